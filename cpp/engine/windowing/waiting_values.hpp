// Values that wait until the watermark reaches them, so that they go into windows in order of time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/windowing/time.hpp"

namespace cppwax::windowing {

// Belongs to one key of one worker; movable. Grows with the values between watermark and latest
// timestamp: what limits it is the clock's wait.
template <class Value>
class WaitingValues {
 public:
  struct Waiting {
    Micros when;
    std::uint64_t arrival;
    Value value;
  };

  void add(Micros when, Value value) {
    heap_.push_back({when, next_arrival_++, std::move(value)});
    std::push_heap(heap_.begin(), heap_.end(), is_later);
  }

  // The next value that is not later than the watermark; of equal times the one that came first.
  std::optional<Waiting> take(Micros watermark) {
    if (heap_.empty() || heap_.front().when > watermark) return std::nullopt;
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    std::optional<Waiting> taken(std::move(heap_.back()));
    heap_.pop_back();
    return taken;
  }

  std::optional<Micros> next() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().when;
  }

  bool empty() const { return heap_.empty(); }

  // For a snapshot: in order of arrival, the order in which `add` takes them in again.
  std::vector<const Waiting*> in_order_of_arrival() const {
    std::vector<const Waiting*> all;
    all.reserve(heap_.size());
    for (const Waiting& waiting : heap_) all.push_back(&waiting);
    std::sort(all.begin(), all.end(),
              [](const Waiting* a, const Waiting* b) { return a->arrival < b->arrival; });
    return all;
  }

 private:
  static bool is_later(const Waiting& a, const Waiting& b) {
    return a.when != b.when ? a.when > b.when : a.arrival > b.arrival;
  }

  std::vector<Waiting> heap_;
  std::uint64_t next_arrival_ = 0;
};

}  // namespace cppwax::windowing
