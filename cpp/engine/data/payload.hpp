// The items of a batch, opaque to the engine: it moves, counts, shares and splits them, and never
// looks at one. The bindings implement it over Python objects, the tests over integers.
#pragma once

#include <cstddef>
#include <memory>

namespace cppwax::data {

class Payload;
using PayloadPtr = std::unique_ptr<Payload>;

// Owned by one worker at a time. It is made, used and destroyed only inside that worker's
// UserCodeScope (operators/logic.hpp), since its items may need an interpreter to die.
class Payload {
 public:
  Payload() = default;
  Payload(const Payload&) = delete;
  Payload& operator=(const Payload&) = delete;
  virtual ~Payload() = default;

  // Number of items.
  virtual std::size_t size() const = 0;
  // About how much memory the items take (docs/progress_and_snapshots.md P6).
  virtual std::size_t bytes_estimate() const = 0;
  // Another list of the same items, for a second consumer.
  virtual PayloadPtr share() const = 0;
  // Takes the first `count` items off. REQUIRES: count <= size().
  virtual PayloadPtr take_front(std::size_t count) = 0;

  // A payload may be several batches of the source joined to one, for speed. What it was made of is
  // kept, through `share`, `take_front` and routers too, for user code that sees batches.
  // Puts the items of `other` behind, as parts of their own; `other` is empty then.
  virtual void append(PayloadPtr other) = 0;
  // At least 1, unless it is empty.
  virtual std::size_t part_count() const = 0;
  // Takes the first part off. REQUIRES: not empty.
  virtual PayloadPtr take_part() = 0;
};

}  // namespace cppwax::data
