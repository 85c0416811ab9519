// The clock of window steps whose keys share the worker's watermark: `EventClock` with
// `watermark="worker"`. As WorkerTime and WorkerClockLogic of
// python/cppwax/operators/windowing/_worker_time.py.
#pragma once

#include <optional>

#include "bindings/logic/window_clocks.hpp"

namespace cppwax::bindings::windows {

// One a step and worker. What a batch brings the watermark forward counts for other keys once it is
// through: then it does not matter in which order its keys are looked at.
class WorkerEventTime {
 public:
  static constexpr bool kSharesTime = true;
  using Key = EventTime::Key;

  WorkerEventTime(const py::object& clock, const PyTypes& types) : clock_(clock, types) {}

  Key begin(const Call& call, const Now& now) const { return clock_.begin(call, now); }
  std::optional<Key> resume(const Call& call, const Now& now, PyObject* state) {
    const auto key = clock_.resume(call, now, state);
    if (key) coming_.join(pace(), *key);
    return key;
  }
  void look(Key& key, const Call& call, const Now& now) const {
    clock_.look(key, call, now);
    key.join(pace(), known_);
  }
  Moment arrive(Key& key, const Call& call, PyObject* value) {
    const Moment moment = clock_.arrive(key, call, value);
    coming_.join(pace(), key);
    return moment;
  }
  Micros watermark(const Key& key) const { return clock_.watermark(key); }
  Micros now(const Key& key) const { return clock_.now(key); }
  // A key does not know: ask for `due_of_all`.
  std::optional<Micros> due(const Key&, const Call&, Micros) const { return std::nullopt; }
  py::object snapshot(const Key& key) const { return clock_.snapshot(key); }

  // Of all keys together. What has come counts for all from now on.
  void take_over() { known_.join(pace(), coming_); }
  Micros watermark_of_all(const Call& call, const Now& now) {
    clock_.look(known_, call, now);
    return clock_.watermark(known_);
  }
  // Where values brought it last.
  Micros told_to_all() const { return known_.state().base; }
  std::optional<Micros> due_of_all(const Call& call, Micros when) const {
    return clock_.due(known_, call, when);
  }
  // A pause goes on from the last value of all keys: one that is over may have had it.
  bool is_left_by_keys() const { return pace().idle_after > 0; }
  void keep_in(Key& key) const { key.join(pace(), known_); }
  void forget() { known_ = coming_ = Key(windowing::kUtcMin); }

 private:
  const windowing::Pace& pace() const { return clock_.pace(); }

  EventTime clock_;
  Key known_{windowing::kUtcMin};
  Key coming_{windowing::kUtcMin};
};

}  // namespace cppwax::bindings::windows
