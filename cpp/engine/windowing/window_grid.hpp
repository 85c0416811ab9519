// Where windows of one length lie that begin at regular times. Tumbling windows are sliding ones
// whose offset is their length.
#pragma once

#include "engine/windowing/time.hpp"

namespace cppwax::windowing {

// Ids first, first + 1, … last; empty if last < first.
struct WindowRange {
  WindowId first;
  WindowId last;
};

// Begin and end; a window that reaches beyond the ends of time is cut there.
struct WindowBounds {
  Micros open;
  Micros close;
};

// Immutable; one a step.
class WindowGrid {
 public:
  // Window 0 begins at `align`, each next one `offset` later.
  // REQUIRES: 0 < offset <= length <= kLongestSpan; `align` is a time.
  WindowGrid(Micros length, Micros offset, Micros align);

  // The windows that a time lies in: the begin is part of a window, the end is not.
  WindowRange ids_at(Micros when) const {
    const Micros since = when - align_;
    WindowId last = since / offset_;
    Micros into_last = since % offset_;
    if (into_last < 0) {
      --last;
      into_last += offset_;
    }
    // Those that began before the last one and reach so far.
    return {last - reaching_ + (into_last < rest_ ? 0 : 1), last};
  }
  Micros close_of(WindowId id) const { return bounds_of(id).close; }
  WindowBounds bounds_of(WindowId id) const;

 private:
  Micros length_;
  Micros offset_;
  Micros align_;
  // The length in offsets: how many whole ones, and what is left.
  std::int64_t reaching_ = 0;
  Micros rest_ = 0;
};

}  // namespace cppwax::windowing
