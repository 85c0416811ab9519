#include "bindings/logic/window_clocks.hpp"

#include <algorithm>

#include "bindings/logic/modules.hpp"
#include "bindings/logic/native.hpp"

namespace cppwax::bindings::windows {

namespace {

// A clock of the user's may stand still or run at another speed: how often to look at it then.
constexpr Micros kLookAgain = 10'000;

bool is_attribute(const py::object& value, const char* module, const char* name) {
  return value.is(py::module_::import(module).attr(name));
}

}  // namespace

SystemTime::SystemTime(const py::object&, const PyTypes&) {}

EventTime::EventTime(const py::object& clock, const PyTypes& types)
    : times_(types),
      clock_(clock),
      ts_getter_(callable_of(clock.ptr(), "ts_getter")),
      of_sides_(is_exactly(ts_getter_, modules::kTwoSides, "SideTimestamp")),
      pace_(pace_of(clock, types).value()),
      now_getter_(attribute_of(clock.ptr(), "now_getter")),
      knows_system_time_(is_attribute(now_getter_, modules::kTimes, "_get_system_utc")),
      to_system_utc_(attribute_of(clock.ptr(), "to_system_utc")) {
  if (of_sides_) of_side_ = callable_of(ts_getter_.ptr(), "ts_getter");
  if (is_attribute(to_system_utc_, modules::kFinal, "_identity")) to_system_utc_ = py::object();
}

std::optional<windowing::Pace> EventTime::pace_of(const py::object& clock, const PyTypes& types) {
  const Times times(types);
  const auto wait = times.span_of(attribute_of(clock.ptr(), "wait_for_system_duration").ptr());
  const auto idle_after = times.span_of(attribute_of(clock.ptr(), "idle_after").ptr());
  if (!wait || !idle_after) return std::nullopt;
  return windowing::Pace{*wait, *idle_after};
}

std::optional<EventTime::Key> EventTime::resume(const Call& call, const Now& now,
                                                PyObject* state) const {
  if (state == Py_None) return begin(call, now);
  if (!PyTuple_CheckExact(state) || PyTuple_GET_SIZE(state) != 2) return std::nullopt;
  const auto came = times_.micros_of(PyTuple_GET_ITEM(state, 0), call);
  const auto base = times_.micros_of(PyTuple_GET_ITEM(state, 1), call);
  if (!came || !base) return std::nullopt;
  return Key(now_of(call, now), Key::State{*came, *base});
}

py::object EventTime::snapshot(const Key& key) const {
  const Key::State state = key.state();
  return py::make_tuple(times_.datetime_of(state.came), times_.datetime_of(state.base));
}

Micros EventTime::now_by_user(const Call& call) const {
  const py::object now = call_user(call, now_getter_.ptr());
  const auto micros = times_.micros_of(now.ptr(), call);
  if (!micros) refuse(call, "now_getter", now_getter_, now);
  return *micros;
}

std::optional<Micros> EventTime::due_by_user(const Key& key, const Call& call, Micros when) const {
  std::optional<Micros> asked;
  if (to_system_utc_) {
    const py::object answer = call_user(call, to_system_utc_.ptr(), times_.datetime_of(when).ptr());
    if (answer.is_none() || !key.due(pace_, when)) return std::nullopt;
    asked = times_.micros_of(answer.ptr(), call);
    if (!asked) refuse(call, "to_system_utc", to_system_utc_, answer);
  }
  const auto due = key.due(pace_, when);
  if (!due) return std::nullopt;
  if (knows_system_time_) return std::max(*due, *asked);
  // The user's time is not the system's: only spans can be compared.
  const Micros real_now = system_now();
  const Micros there = asked ? *asked : windowing::shifted(real_now, *due - key.now());
  return std::max(there, windowing::shifted(real_now, kLookAgain));
}

void EventTime::refuse(const Call& call, const char* name, const py::object& function,
                       const py::object& result) const {
  const py::object words =
      py::module_::import(modules::kClocks).attr("EventClockLogic").attr("_refuse");
  call_user(call, words.ptr(), py::str(name).ptr(), function.ptr(), result.ptr());
  throw InvariantError("a time that was refused is none");
}

}  // namespace cppwax::bindings::windows
