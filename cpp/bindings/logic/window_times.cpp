#include "bindings/logic/window_times.hpp"

namespace cppwax::bindings::windows {

namespace {

constexpr Micros kSecond = 1'000'000;
constexpr Micros kMinute = 60 * kSecond;
constexpr Micros kHour = 60 * kMinute;
constexpr Micros kDay = 24 * kHour;

const PyDateTime_CAPI* datetime_api() {
  const void* capsule = PyCapsule_Import(PyDateTime_CAPSULE_NAME, 0);
  if (capsule == nullptr) throw py::error_already_set();
  return static_cast<const PyDateTime_CAPI*>(capsule);
}

}  // namespace

Times::Times(const PyTypes& types) : types_(types), api_(datetime_api()) {}

Micros Times::fields_of(PyObject* when) {
  using namespace std::chrono;
  const sys_days day = year(PyDateTime_GET_YEAR(when)) /
                       static_cast<int>(PyDateTime_GET_MONTH(when)) /
                       static_cast<int>(PyDateTime_GET_DAY(when));
  return day.time_since_epoch().count() * kDay + PyDateTime_DATE_GET_HOUR(when) * kHour +
         PyDateTime_DATE_GET_MINUTE(when) * kMinute + PyDateTime_DATE_GET_SECOND(when) * kSecond +
         PyDateTime_DATE_GET_MICROSECOND(when);
}

py::object Times::datetime_of(Micros when) const {
  using namespace std::chrono;
  const sys_time<microseconds> time{microseconds(when)};
  const sys_days day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<microseconds> clock(time - day);
  PyObject* made = api_->DateTime_FromDateAndTime(
      static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
      static_cast<int>(static_cast<unsigned>(date.day())), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()), types_.utc, api_->DateTimeType);
  if (made == nullptr) throw_user_error("making a datetime");
  return py::reinterpret_steal<py::object>(made);
}

Micros Times::span_of(PyObject* delta) {
  constexpr Micros kLongestDays = windowing::kLongestSpan / kDay;
  const Micros days = PyDateTime_DELTA_GET_DAYS(delta);
  if (days >= kLongestDays) return windowing::kLongestSpan;
  if (days <= -kLongestDays) return -windowing::kLongestSpan;
  return days * kDay + PyDateTime_DELTA_GET_SECONDS(delta) * kSecond +
         PyDateTime_DELTA_GET_MICROSECONDS(delta);
}

Micros system_now() {
  return system_clock().wall().time_since_epoch().count();
}

}  // namespace cppwax::bindings::windows
