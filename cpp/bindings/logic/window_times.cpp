#include "bindings/logic/window_times.hpp"

namespace cppwax::bindings::windows {

Micros Times::span_of(PyObject* delta) {
  using std::chrono::days;
  constexpr days kLongestDays = std::chrono::floor<days>(Duration(windowing::kLongestSpan));
  const days whole(PyDateTime_DELTA_GET_DAYS(delta));
  if (whole >= kLongestDays) return windowing::kLongestSpan;
  if (whole <= -kLongestDays) return -windowing::kLongestSpan;
  return duration_of_fields(delta).count();
}

Micros system_now() {
  return micros_at(system_clock().wall());
}

}  // namespace cppwax::bindings::windows
