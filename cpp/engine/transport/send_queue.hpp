// What waits to be written to one peer, and in which order it goes (docs/wire_format.md, "Order").
// Pure: no sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "engine/transport/frame.hpp"

namespace cppwax::transport {

// Bytes to be written together: small ones copied, large ones by reference. Reused. Belongs to one
// thread.
class Gathered {
 public:
  // For small bytes, which whoever appends writes here.
  WireBytes& copied() { return copied_; }
  void append(std::shared_ptr<const std::byte> owner, std::size_t size);
  void clear();

  bool empty() const { return size() == 0; }
  std::size_t size() const { return copied_.size() + referred_; }
  // In order. Valid until the next change.
  const std::vector<std::span<const std::byte>>& pieces();

 private:
  struct Reference {
    std::size_t behind;  // copied bytes before it
    std::shared_ptr<const std::byte> owner;
    std::size_t size;
  };
  WireBytes copied_;
  std::vector<Reference> references_;
  std::size_t referred_ = 0;
  std::vector<std::span<const std::byte>> pieces_;
};

// Belongs to one thread. Invariants: (1) on a lane messages go in the order pushed, but that a
// frontier or an end replaces a frontier right before it; (2) failures, control and credit go
// before lanes, `Done` after everything; (3) lanes take turns, a fragment each. What limits it:
// batches by the credit of their channels, which the sender has spent; a lane holds at most a
// frontier or an end more than batches, credit of a lane and epoch is summed up, control messages
// are a few an epoch.
class SendQueue {
 public:
  void push(Message message);
  bool empty() const;
  // Appends what goes next, about kGatherBytes of it. Memory of buffers that are written whole is
  // let go of with `out`.
  void take(Gathered& out);

  static constexpr std::size_t kGatherBytes = 512 * 1024;
  static constexpr std::size_t kFragmentBytes = 256 * 1024;

 private:
  struct Waiting {
    explicit Waiting(BatchMessage batch);
    BatchMessage batch;
    std::size_t buffer = 0;  // the first that is not written whole
    std::size_t offset = 0;  // in it
    std::uint64_t left;
    bool begun = false;
  };
  using LaneItem = std::variant<Waiting, FrontierMessage, EndMessage>;
  using LaneQueue = std::deque<LaneItem>;

  void push_to_lane(const Lane& lane, LaneItem item);
  // Returns whether it has been written whole.
  static bool write(Gathered& out, Waiting& waiting);
  void take_urgent(Gathered& out);
  void take_turn(Gathered& out);

  std::deque<Message> urgent_;
  std::map<std::pair<Lane, Epoch>, Amount> credit_;
  std::map<Lane, LaneQueue> lanes_;  // without empty ones
  std::deque<Lane> turns_;           // each lane of `lanes_` once
  bool done_ = false;
};

}  // namespace cppwax::transport
