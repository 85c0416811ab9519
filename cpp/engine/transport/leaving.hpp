// When a process may leave the cluster, and what it means that another one has closed
// (docs/progress_and_snapshots.md P17, P18, P20). Pure.
#pragma once

#include <cstdint>
#include <set>

#include "engine/base/ids.hpp"

namespace cppwax::transport {

// Belongs to one thread.
class Leaving {
 public:
  Leaving(ProcessIndex own, std::uint32_t process_count) {
    for (std::uint32_t i = 0; i < process_count; ++i) {
      if (ProcessIndex(i) != own) working_.insert(ProcessIndex(i));
    }
  }

  // We have said `Done`.
  void leave() { left_ = true; }
  bool left() const { return left_; }
  void on_done(ProcessIndex from) { working_.erase(from); }
  // It goes because of a failure, which may be unknown here: who failed was killed while it told.
  void on_ack(ProcessIndex from) { failing_.insert(from); }
  // A stop was told: from here on peers may abandon what is in flight.
  void note_stop() { stopping_ = true; }

  enum class Close : std::uint8_t {
    kLeft,       // after its `Done`, or its acknowledgement of a failure
    kAbandoned,  // after a stop, without it
    kLost,
  };
  Close on_closed(ProcessIndex peer) const {
    if (!working_.contains(peer) || failing_.contains(peer)) return Close::kLeft;
    return stopping_ ? Close::kAbandoned : Close::kLost;
  }

  // Everybody, this process too, is done.
  bool over() const { return left_ && working_.empty(); }

 private:
  std::set<ProcessIndex> working_;
  std::set<ProcessIndex> failing_;
  bool left_ = false;
  bool stopping_ = false;
};

}  // namespace cppwax::transport
