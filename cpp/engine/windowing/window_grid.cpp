#include "engine/windowing/window_grid.hpp"

#include "engine/base/error.hpp"

namespace cppwax::windowing {

namespace {

constexpr std::int64_t floor_divided(std::int64_t dividend, std::int64_t divisor) {
  const std::int64_t quotient = dividend / divisor;
  return quotient - (dividend % divisor < 0 ? 1 : 0);
}

}  // namespace

WindowGrid::WindowGrid(Micros length, Micros offset, Micros align)
    : length_(length), offset_(offset), align_(align) {
  ENGINE_ASSERT(0 < offset && offset <= length && length <= kLongestSpan, offset, length);
  ENGINE_ASSERT(kUtcMin <= align && align <= kUtcMax, align);
}

WindowRange WindowGrid::ids_at(Micros when) const {
  const Micros since = when - align_;
  const WindowId last = floor_divided(since, offset_);
  if (length_ == offset_) return {last, last};
  return {floor_divided(since - length_, offset_) + 1, last};
}

// Ids may come out of a snapshot that was taken with another grid: any number.
WindowBounds WindowGrid::bounds_of(WindowId id) const {
  Micros since = 0;
  if (__builtin_mul_overflow(id, offset_, &since)) since = id < 0 ? -kLongestSpan : kLongestSpan;
  const Micros open = align_ + std::clamp(since, -2 * kLongestSpan, 2 * kLongestSpan);
  return {between_the_ends(open), between_the_ends(open + length_)};
}

}  // namespace cppwax::windowing
