// Event time as the windowing arithmetic counts it: in microseconds, between the first and the last
// time that Python's `datetime` knows. What would go beyond these ends stops there, so that nothing
// overflows; the ends stand for "ever".
#pragma once

#include <algorithm>
#include <cstdint>

namespace cppwax::windowing {

// A time, from the Unix epoch in UTC; or a span.
using Micros = std::int64_t;
using WindowId = std::int64_t;

inline constexpr Micros kUtcMin = -62'135'596'800'000'000;  // year 1
inline constexpr Micros kUtcMax = 253'402'300'799'999'999;  // the end of year 9999
// Longer than all of time, and such that a few of them can be added up.
inline constexpr Micros kLongestSpan = std::int64_t{1} << 60;

constexpr Micros between_the_ends(Micros when) {
  return std::clamp(when, kUtcMin, kUtcMax);
}

// REQUIRES: `when` is a time, and `by` at most kLongestSpan in either direction.
constexpr Micros shifted(Micros when, Micros by) {
  return between_the_ends(when + by);
}

}  // namespace cppwax::windowing
