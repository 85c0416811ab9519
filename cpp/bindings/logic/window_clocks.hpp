// The clocks of window steps: what is Python in them. The arithmetic is in engine/windowing. As
// python/cppwax/operators/windowing/_clocks.py, whose words for errors are used.
#pragma once

#include <optional>

#include "bindings/logic/window_call.hpp"
#include "bindings/logic/window_times.hpp"
#include "engine/windowing/watermark.hpp"

namespace cppwax::bindings::windows {

// When a value happened, and the key's watermark after it.
struct Moment {
  Micros when;
  Micros watermark;
};

// The system time of a piece of work: looked up once for all of its keys.
class Now {
 public:
  void look() { now_ = system_now(); }
  Micros get() const { return now_; }

 private:
  Micros now_ = 0;
};

// `SystemClock`. One a step and worker; keys have a Key each.
class SystemTime {
 public:
  static constexpr bool kSharesTime = false;
  using Key = windowing::SystemWatermark;

  SystemTime(const py::object& clock, const PyTypes& types);

  Key begin(const Call&, const Now&) const { return {}; }
  std::optional<Key> resume(const Call&, const Now&, PyObject*) const { return Key{}; }
  void look(Key& key, const Call&, const Now& now) const { key.look(now.get()); }
  Moment arrive(Key& key, const Call&, PyObject*) const { return {key.get(), key.get()}; }
  Micros watermark(const Key& key) const { return key.get(); }
  Micros now(const Key& key) const { return key.get(); }
  std::optional<Micros> due(const Key& key, const Call&, Micros when) const {
    return key.due(when);
  }
  py::object snapshot(const Key&) const { return py::none(); }
};

// `EventClock`.
class EventTime {
 public:
  static constexpr bool kSharesTime = false;
  using Key = windowing::EventWatermark;

  // REQUIRES: pace_of(clock, types).
  EventTime(const py::object& clock, const PyTypes& types);
  // nullopt: the user has changed the clock since its arguments were checked.
  static std::optional<windowing::Pace> pace_of(const py::object& clock, const PyTypes& types);

  Key begin(const Call& call, const Now& now) const { return Key(now_of(call, now)); }
  // nullopt: the state is none of an EventClock.
  std::optional<Key> resume(const Call& call, const Now& now, PyObject* state) const;
  void look(Key& key, const Call& call, const Now& now) const { key.look(now_of(call, now)); }

  Moment arrive(Key& key, const Call& call, PyObject* value) const {
    const bool of_side = of_sides_ && PyTuple_CheckExact(value) && PyTuple_GET_SIZE(value) == 2;
    const py::object timestamp = of_side
                                     ? call_user(call, of_side_.ptr(), PyTuple_GET_ITEM(value, 1))
                                     : call_user(call, ts_getter_.ptr(), value);
    const auto when = times_.micros_of(timestamp.ptr(), call);
    if (!when) refuse(call, "ts_getter", ts_getter_, timestamp);
    return {*when, key.advance(pace_, *when)};
  }

  Micros watermark(const Key& key) const { return key.get(pace_); }
  // When its clock was looked at last.
  Micros now(const Key& key) const { return key.now(); }

  // When to look whether the watermark is at a time; nullopt: there is no knowing.
  std::optional<Micros> due(const Key& key, const Call& call, Micros when) const {
    if (knows_system_time_ && !to_system_utc_) return key.due(pace_, when);
    return due_by_user(key, call, when);
  }

  py::object snapshot(const Key& key) const;

  const windowing::Pace& pace() const { return pace_; }

 private:
  Micros now_of(const Call& call, const Now& now) const {
    return knows_system_time_ ? now.get() : now_by_user(call);
  }
  Micros now_by_user(const Call& call) const;
  std::optional<Micros> due_by_user(const Key& key, const Call& call, Micros when) const;
  [[noreturn]] void refuse(const Call& call, const char* name, const py::object& function,
                           const py::object& result) const;

  Times times_;
  py::object clock_;
  py::object ts_getter_;
  // Of a join: what the getter calls with the value of a `(side, value)` pair.
  py::object of_side_;
  bool of_sides_;
  windowing::Pace pace_;
  py::object now_getter_;
  bool knows_system_time_;
  py::object to_system_utc_;  // null: the default
};

}  // namespace cppwax::bindings::windows
