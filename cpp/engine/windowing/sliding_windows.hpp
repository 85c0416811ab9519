// The open tumbling or sliding windows of one key, each with what the user keeps for it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "engine/windowing/window_grid.hpp"

namespace cppwax::windowing {

// Belongs to one key of one worker; movable, 40 bytes without windows. The grid is given to each
// call, so that keys need not keep it. `T` is movable; what users are called with through it may
// throw, and then the object may only be destroyed.
//
// Invariants: (1) windows lie sorted by id, and so by their ends: those to close are a prefix;
// (2) `order` numbers them as they were opened, which is the order in which they are told of.
template <class T>
class SlidingWindows {
 public:
  using Shape = WindowGrid;
  using Content = T;

  // Calls `use(id, content)` for each window that the time lies in; `make()` gives the content of
  // one that was not open.
  template <class Make, class Use>
  void insert(const Shape& grid, Micros when, Make&& make, Use&& use) {
    const auto [first, last] = grid.ids_at(when);
    // Windows of ids that follow each other lie side by side.
    auto position = static_cast<std::size_t>(position_of(first) - open_.begin());
    for (WindowId id = first; id <= last; ++id, ++position) {
      if (position == open_.size() || open_[position].id != id) open(position, id, make());
      use(id, open_[position].content);
    }
  }

  // Calls `tell(id)` for each window that a late value would have been in.
  template <class Tell>
  static void late(const Shape& grid, Micros when, Tell&& tell) {
    const auto [first, last] = grid.ids_at(when);
    for (WindowId id = first; id <= last; ++id) tell(id);
  }

  template <class Merge>
  void merge(Merge&&) {}

  // Calls `tell(id, content, bounds, merged ids)` for each window whose end is reached, in order
  // of opening.
  template <class Tell>
  void close(const Shape& grid, Micros watermark, Tell&& tell) {
    std::size_t count = 0;
    while (count < open_.size() && grid.close_of(open_[count].id) <= watermark) ++count;
    if (count == 0) return;
    const auto begin = open_.begin();
    const auto end = begin + static_cast<std::ptrdiff_t>(count);
    std::vector<Open> closed(std::make_move_iterator(begin), std::make_move_iterator(end));
    open_.erase(begin, end);
    std::sort(closed.begin(), closed.end(),
              [](const Open& a, const Open& b) { return a.order < b.order; });
    for (Open& window : closed) {
      tell(window.id, std::move(window.content), grid.bounds_of(window.id),
           std::vector<WindowId>{});
    }
  }

  // Where the watermark must be for the next window to close.
  std::optional<Micros> next_close(const Shape& grid) const {
    if (open_.empty()) return std::nullopt;
    return grid.close_of(open_.front().id);
  }

  bool may_be_forgotten() const { return open_.empty(); }
  std::size_t size() const { return open_.size(); }

  // Null: it is not open.
  T* find(WindowId id) {
    const auto position = position_of(id);
    return position != open_.end() && position->id == id ? &position->content : nullptr;
  }

  // For a snapshot: the open windows in order of opening.
  std::vector<std::pair<WindowId, const T*>> opened() const {
    std::vector<const Open*> windows;
    windows.reserve(open_.size());
    for (const Open& window : open_) windows.push_back(&window);
    std::sort(windows.begin(), windows.end(),
              [](const Open* a, const Open* b) { return a->order < b->order; });
    std::vector<std::pair<WindowId, const T*>> told;
    told.reserve(windows.size());
    for (const Open* window : windows) told.emplace_back(window->id, &window->content);
    return told;
  }

  // From a snapshot; call it in order of opening.
  void reopen(WindowId id, T content) {
    open_.insert(position_of(id), {id, next_order_++, std::move(content)});
  }

 private:
  struct Open {
    WindowId id;
    std::uint64_t order;
    T content;
  };

  typename std::vector<Open>::iterator position_of(WindowId id) {
    // Mostly it is the newest window, or beyond.
    if (open_.empty() || open_.back().id < id) return open_.end();
    if (open_.back().id == id) return open_.end() - 1;
    return std::lower_bound(open_.begin(), open_.end(), id,
                            [](const Open& window, WindowId wanted) { return window.id < wanted; });
  }

  void open(std::size_t position, WindowId id, T content) {
    const auto where = open_.begin() + static_cast<std::ptrdiff_t>(position);
    open_.insert(where, {id, next_order_++, std::move(content)});
  }

  std::vector<Open> open_;
  std::uint64_t next_order_ = 0;
};

}  // namespace cppwax::windowing
