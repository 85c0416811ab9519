// Python's datetimes as the windowing arithmetic counts time, and back: exact to the microsecond.
// As python/cppwax/operators/windowing/_times.py.
#pragma once

#include <datetime.h>

#include <chrono>
#include <optional>

#include "bindings/py_call.hpp"
#include "bindings/py_types.hpp"
#include "engine/windowing/time.hpp"

namespace cppwax::bindings::windows {

using windowing::Micros;

inline WallTime wall_time_at(Micros when) {
  return WallTime(Duration(when));
}
inline Micros micros_at(WallTime time) {
  return time.time_since_epoch().count();
}

// One a step. Made, used and destroyed with the interpreter held; immutable.
class Times {
 public:
  explicit Times(const PyTypes& types) : types_(types) {}

  // Of a datetime with a time zone; what lies beyond the ends of time is cut to them. nullopt for
  // anything else. Errors: UserCodeError if a time zone of the user raises.
  template <class Doing>
  std::optional<Micros> micros_of(PyObject* when, Doing&& doing) const {
    // With the one time zone object that nearly all values have.
    if (Py_IS_TYPE(when, types_.datetime) && has_zone(when) && zone_of(when) == types_.utc)
        [[likely]] {
      return micros_at(time_of_fields(when));
    }
    if (!PyObject_TypeCheck(when, types_.datetime) || !has_zone(when)) return std::nullopt;
    const py::object offset = call_method(doing, when, types_.utcoffset);
    const auto span = span_of(offset.ptr());
    if (!span) return std::nullopt;
    return windowing::between_the_ends(micros_at(time_of_fields(when)) - *span);
  }

  // A datetime in UTC, a new reference. Errors: UserCodeError without memory.
  py::object datetime_of(Micros when) const {
    return bindings::datetime_of(types_, wall_time_at(when));
  }

  // Of a timedelta; one longer than all of time is cut to kLongestSpan. nullopt for anything else.
  std::optional<Micros> span_of(PyObject* delta) const;

 private:
  static bool has_zone(PyObject* when) {
    return reinterpret_cast<PyDateTime_DateTime*>(when)->hastzinfo != 0;
  }
  static PyObject* zone_of(PyObject* when) {
    return reinterpret_cast<PyDateTime_DateTime*>(when)->tzinfo;
  }

  const PyTypes& types_;
};

// The system time, as Python's `datetime.now(timezone.utc)`.
Micros system_now();

}  // namespace cppwax::bindings::windows
