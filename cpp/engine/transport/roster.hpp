// Who has joined, and what to answer to whom: the decisions of forming a cluster, without sockets
// (docs/progress_and_snapshots.md P12).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/transport/hello.hpp"

namespace cppwax::transport {

// Belongs to one thread. Invariants: (1) a process joins once; (2) who joins knows the run id, and
// has the same as all others.
class Roster {
 public:
  // `addresses`: of all processes, in order. Process 0 is given the run's id.
  Roster(ProcessIndex own, HelloFacts facts, std::vector<std::string> addresses, RunId run);

  // --- as a listener ---
  enum class Reaction : std::uint8_t {
    kJoin,    // say it; joined once the dialler confirms
    kRefuse,  // say it, and go on without
    kFail,    // say it; the cluster cannot form
    kDrop,    // say nothing: a stranger
  };
  struct Answer {
    Reaction reaction;
    Hello hello;       // to say
    std::string text;  // why not, for this side's log or error; may be empty
  };
  Answer answer(const Hello& theirs, const std::string& where) const;

  // --- as a dialler ---
  Hello greeting(ProcessIndex to) const;
  struct Reply {
    enum class Meaning : std::uint8_t { kJoined, kAgain, kFail } meaning;
    std::string text;  // why not
  };
  // Learns the run's id from process 0.
  Reply read_answer(ProcessIndex to, const Hello& theirs);

  // Returns false if it has joined before.
  bool join(ProcessIndex process);
  bool joined(ProcessIndex process) const { return joined_.contains(process); }
  bool knows_run() const { return run_ != RunId{}; }
  // Everybody is here.
  bool complete() const { return joined_.size() + 1 == addresses_.size(); }
  std::vector<ProcessIndex> missing() const;

  ProcessIndex own() const { return own_; }
  const std::string& address(ProcessIndex process) const { return addresses_[process.value()]; }
  // "process 1 (cluster_two:2101)"
  std::string name(ProcessIndex process) const;

 private:
  Hello hello(Role role, ProcessIndex dialler, ProcessIndex listener, Verdict verdict) const;
  Answer refuse(const Hello& theirs, Verdict verdict, Reaction reaction, std::string text) const;

  const ProcessIndex own_;
  const HelloFacts facts_;
  const std::vector<std::string> addresses_;
  RunId run_;
  std::set<ProcessIndex> joined_;
};

}  // namespace cppwax::transport
