// Which windows of one key are to tell what they amount to before they close. As EarlyResults of
// python/cppwax/operators/windowing/_early.py, which tests compare with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/windowing/time.hpp"

namespace cppwax::windowing {

// Belongs to one key of one worker. Pure: told what time it is. `after` is the time from a first
// change until the windows tell, the same in all calls; 0 stands for after each batch.
class EarlyResults {
 public:
  // A window has changed. `now()` gives the system time, asked only where it matters.
  template <class Now>
  void note(WindowId id, Micros after, Now&& now) {
    if (!changed_.try_emplace(id, next_order_).second) return;
    ++next_order_;
    if (after > 0 && !due_) due_ = shifted(now(), after);
  }

  // A window is no more.
  void forget(WindowId id) {
    changed_.erase(id);
    if (changed_.empty()) due_.reset();
  }

  // The windows that are to tell now, in the order in which they changed first.
  template <class Now>
  std::vector<WindowId> take(Now&& now) {
    if (changed_.empty() || (due_ && now() < *due_)) return {};
    std::vector<WindowId> taken = changed();
    changed_.clear();
    due_.reset();
    return taken;
  }

  // The system time at which they do; nullopt: not by time.
  std::optional<Micros> due() const { return due_; }

  // For a snapshot, in the same order.
  std::vector<WindowId> changed() const {
    std::vector<std::pair<std::uint64_t, WindowId>> by_order;
    by_order.reserve(changed_.size());
    for (const auto& [id, order] : changed_) by_order.emplace_back(order, id);
    std::sort(by_order.begin(), by_order.end());
    std::vector<WindowId> ids;
    ids.reserve(by_order.size());
    for (const auto& [order, id] : by_order) ids.push_back(id);
    return ids;
  }

 private:
  std::unordered_map<WindowId, std::uint64_t> changed_;  // at most the open windows
  std::uint64_t next_order_ = 0;
  std::optional<Micros> due_;
};

}  // namespace cppwax::windowing
