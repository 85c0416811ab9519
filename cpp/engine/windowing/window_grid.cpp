#include "engine/windowing/window_grid.hpp"

#include "engine/base/error.hpp"

namespace cppwax::windowing {

WindowGrid::WindowGrid(Micros length, Micros offset, Micros align)
    : length_(length), offset_(offset), align_(align) {
  ENGINE_ASSERT(0 < offset && offset <= length && length <= kLongestSpan, offset, length);
  ENGINE_ASSERT(kUtcMin <= align && align <= kUtcMax, align);
  reaching_ = length / offset;
  rest_ = length % offset;
}

// Ids may come out of a snapshot that was taken with another grid: any number.
WindowBounds WindowGrid::bounds_of(WindowId id) const {
  Micros since = 0;
  if (__builtin_mul_overflow(id, offset_, &since)) since = id < 0 ? -kLongestSpan : kLongestSpan;
  const Micros open = align_ + std::clamp(since, -2 * kLongestSpan, 2 * kLongestSpan);
  return {between_the_ends(open), between_the_ends(open + length_)};
}

}  // namespace cppwax::windowing
