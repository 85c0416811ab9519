#include "bindings/logic/window_times.hpp"

namespace cppwax::bindings::windows {

std::optional<Micros> Times::span_of(PyObject* delta) const {
  using std::chrono::days;
  if (!PyObject_TypeCheck(delta, types_.timedelta)) return std::nullopt;
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
