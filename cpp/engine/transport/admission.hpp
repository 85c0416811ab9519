// How many connections may wait to be admitted, and which refusals are worth a line. Pure: what
// keeps strangers from growing the process or its log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>

namespace cppwax::transport {

// Places for connections that have not said a valid hello yet. Belongs to one thread. Invariants:
// (1) at most `limit` are taken; (2) of known ones, whose address is on the list, and of strangers,
// `reserved` each find a place whatever the others do (a peer behind a router is a stranger too,
// until its hello); (3) the oldest of its kind goes for a
// newcomer.
class PendingSlots {
 public:
  using Ticket = std::uint64_t;

  explicit PendingSlots(std::size_t limit = 64, std::size_t reserved = 16)
      : limit_(limit), reserved_(reserved) {}

  struct Admission {
    Ticket ticket;
    std::optional<Ticket> dropped;  // whose place it took
  };
  Admission admit(bool known);
  // Of no effect for one that was dropped.
  void release(Ticket ticket);

  std::size_t size() const { return known_.size() + strangers_.size(); }

 private:
  const std::size_t limit_;
  const std::size_t reserved_;
  Ticket next_ = 0;
  std::deque<Ticket> known_;  // oldest first
  std::deque<Ticket> strangers_;
};

// Lets each text through once, and no more than `limit` different ones. Belongs to one thread.
class OnceFilter {
 public:
  explicit OnceFilter(std::size_t limit = 200) : limit_(limit) {}

  bool first(const std::string& text) { return seen_.size() < limit_ && seen_.insert(text).second; }

 private:
  const std::size_t limit_;
  std::set<std::string> seen_;
};

}  // namespace cppwax::transport
