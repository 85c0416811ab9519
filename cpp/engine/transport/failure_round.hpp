// How all processes of a cluster come to show the same failure first
// (docs/progress_and_snapshots.md P18). Pure: told what came and what time it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/transport/message.hpp"

namespace cppwax::transport {

// What a failed run shows.
struct FailureOutcome {
  Failure first;
  std::size_t others = 0;
};

// Belongs to one thread. Invariants: (1) it begins at the first failure, sent or received, and then
// this process acknowledges once, to all; (2) it tells no failure of its own after that: whoever
// has all acknowledgements has all failures; (3) it is settled when all that are still there have
// acknowledged, or `wait` after its begin.
class FailureRound {
 public:
  FailureRound(ProcessIndex own, std::uint32_t process_count, Duration wait);

  // Our own. Whether it counts: it is to be sent to all, and an acknowledgement behind it.
  bool report(Failure failure, SteadyTime now);
  // A peer's. Whether the round begins with it: an acknowledgement is to be sent to all.
  bool on_failure(Failure failure, SteadyTime now);
  void on_ack(ProcessIndex from) { awaited_.erase(from); }
  // It acknowledges no more.
  void on_closed(ProcessIndex peer) { awaited_.erase(peer); }

  bool begun() const { return deadline_.has_value(); }
  // REQUIRES: begun.
  SteadyTime deadline() const { return *deadline_; }
  bool settled(SteadyTime now) const { return begun() && (awaited_.empty() || now >= *deadline_); }
  // Failures before losses before aborts, then the lowest (epoch, process, worker).
  // REQUIRES: begun.
  FailureOutcome outcome() const;

 private:
  void begin(SteadyTime now);

  const ProcessIndex own_;
  const Duration wait_;
  std::set<ProcessIndex> awaited_;
  std::vector<Failure> failures_;  // one a process: more are not told
  std::optional<SteadyTime> deadline_;
};

}  // namespace cppwax::transport
