// Native form of the keyed step under all window steps: brings clock, windows and their contents
// together. As WindowDriver of python/cppwax/operators/windowing/_driver.py, which is the reference
// and runs whatever has a clock or windower of the user's own.
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bindings/logic/modules.hpp"
#include "bindings/logic/native.hpp"
#include "bindings/logic/native_keyed_body.hpp"
#include "bindings/logic/window_clocks.hpp"
#include "bindings/logic/window_contents.hpp"
#include "bindings/logic/window_events.hpp"
#include "bindings/logic/window_states.hpp"
#include "bindings/logic/window_worker_clock.hpp"
#include "engine/windowing/early_results.hpp"
#include "engine/windowing/keyed_windows.hpp"

namespace cppwax::bindings::native {

namespace {

using namespace windows;  // NOLINT: what the window steps are made of
using windowing::EarlyResults;
using windowing::SessionGap;
using windowing::WindowGrid;

py::object part_of(const KeyedSetup& setup, const char* name) {
  return attribute_of(setup.builder.ptr(), name);
}

// How the windows of a step lie; nullopt: not as these containers can have it.
template <class Windows>
std::optional<typename Windows::Shape> shape_of(const KeyedSetup& setup);

template <>
std::optional<SessionGap> shape_of<SessionContents>(const KeyedSetup& setup) {
  const py::object windower = part_of(setup, "windower");
  if (!is_exactly(windower, modules::kSessions, "SessionWindower")) return std::nullopt;
  const auto gap = Times(setup.types).span_of(attribute_of(windower.ptr(), "gap").ptr());
  if (!gap || *gap < 0) return std::nullopt;
  return SessionGap{*gap};
}

template <>
std::optional<WindowGrid> shape_of<SlidingContents>(const KeyedSetup& setup) {
  const py::object windower = part_of(setup, "windower");
  const bool slides = is_exactly(windower, modules::kWindowers, "SlidingWindower");
  if (!slides && !is_exactly(windower, modules::kWindowers, "TumblingWindower"))
    return std::nullopt;
  const Times times(setup.types);
  const auto length = times.span_of(attribute_of(windower.ptr(), "length").ptr());
  const auto offset = slides ? times.span_of(attribute_of(windower.ptr(), "offset").ptr()) : length;
  const auto align = times.micros_of(attribute_of(windower.ptr(), "align_to").ptr(),
                                     [] { return std::string("asking when windows begin"); });
  // Checked when it was made, but the user may have changed it since.
  if (!length || !offset || !align) return std::nullopt;
  if (*offset <= 0 || *offset > *length) return std::nullopt;
  // What was cut to the ends of time would make other ids.
  const bool is_cut = *length >= windowing::kLongestSpan || *align <= windowing::kUtcMin ||
                      *align >= windowing::kUtcMax;
  if (is_cut) return std::nullopt;
  return WindowGrid(*length, *offset, *align);
}

// What tells the times of windows; null: they are told in UTC.
py::object teller_of(const KeyedSetup& setup) {
  const py::object windower = part_of(setup, "windower");
  if (is_exactly(windower, modules::kSessions, "SessionWindower")) return py::object();
  const py::object align = attribute_of(windower.ptr(), "align_to");
  if (attribute_of(align.ptr(), "tzinfo").ptr() == setup.types.utc) return py::object();
  const py::object length = attribute_of(windower.ptr(), "length");
  const bool slides = is_exactly(windower, modules::kWindowers, "SlidingWindower");
  const py::object offset = slides ? attribute_of(windower.ptr(), "offset") : length;
  return py::module_::import(modules::kWindowers).attr("WindowGrid")(length, offset, align);
}

// How long after a change an early result is emitted; nullopt: there are none. REQUIRES:
// has_early_after(setup).
std::optional<Micros> early_after_of(const KeyedSetup& setup) {
  const py::object after = part_of(setup, "early_after");
  if (after.is_none()) return std::nullopt;
  return Times(setup.types).span_of(after.ptr()).value();
}

bool has_early_after(const KeyedSetup& setup) {
  const py::object after = part_of(setup, "early_after");
  return after.is_none() || Times(setup.types).span_of(after.ptr());
}

// `Clock` is EventTime, WorkerEventTime or SystemTime, `Windows` SlidingContents or
// SessionContents.
template <class Clock, class Windows>
class WindowLogic : public NativeKeyedLogic {
 public:
  static constexpr bool kTimed = true;
  static constexpr bool kSharesTime = Clock::kSharesTime;

  struct State {
    std::optional<typename Clock::Key> clock;  // nullopt: the key is new
    windowing::KeyedWindows<Windows, py::object> windows;
    std::unique_ptr<EarlyResults> early;  // where they are emitted
    std::uint64_t batch = 0;              // the last one in which the clock was looked at
  };
  using Slot = TimedNativeSlot<State>;

  // REQUIRES: shape_of<Windows>(setup); has_early_after(setup); what the clock requires.
  explicit WindowLogic(const KeyedSetup& setup)
      : step_(setup.step.id),
        builder_(setup.builder),
        ordered_(part_of(setup, "ordered").is(py::bool_(true))),
        early_after_(early_after_of(setup)),
        shape_(shape_of<Windows>(setup).value()),
        clock_(part_of(setup, "clock"), setup.types),
        contents_(make_contents(setup.step, part_of(setup, "builder"))),
        states_(setup.types, *contents_),
        metadata_(setup.types, teller_of(setup)) {}

  void begin_batch() {
    ++batch_;
    now_.look();
    is_first_ = true;
  }

  std::optional<Duration> watermark_lag() const { return lag_; }

  Keep on_value(Slot& slot, PyObject* value, KeyedOut& out) {
    State& state = slot.state;
    const Calling call{"on_batch", slot};
    if (state.batch != batch_) {
      state.batch = batch_;
      if (!state.clock) begin(slot);
      clock_.look(*state.clock, call, now_);
    }
    const Moment moment = clock_.arrive(*state.clock, call, value);
    Handler handler(*this, call, state.early.get(), out);
    state.windows.arrive(shape_, ordered_,
                         {moment.when, moment.watermark, py::reinterpret_borrow<py::object>(value)},
                         handler);
    return Keep::kYes;
  }

  Keep end_batch(Slot& slot, KeyedOut& out) {
    const Micros watermark = clock_.watermark(*slot.state.clock);
    note_lag(clock_.now(*slot.state.clock), watermark);
    return settle(slot, watermark, Calling{"on_batch", slot}, out);
  }

  Keep on_notify(Slot& slot, KeyedOut& out) {
    const Calling call{"on_notify", slot};
    now_.look();
    clock_.look(*slot.state.clock, call, now_);
    return settle(slot, clock_.watermark(*slot.state.clock), call, out);
  }

  Keep on_eof(Slot& slot, KeyedOut& out) {
    return settle(slot, windowing::kUtcMax, Calling{"on_eof", slot}, out);
  }

  std::optional<WallTime> notify_at(const Slot& slot) {
    const State& state = slot.state;
    std::optional<Micros> due = state.windows.next(shape_);
    if (due) due = clock_.due(*state.clock, Calling{"notify_at", slot}, *due);
    const auto early = state.early ? state.early->due() : std::nullopt;
    if (!due || (early && *early < *due)) due = early;
    if (!due) return std::nullopt;
    return wall_time_at(*due);
  }

  // Where keys share time. Event time is counted as system time is.
  std::optional<WallTime> due_by_watermark(const Slot& slot) const {
    const auto next = slot.state.windows.next(shape_);
    if (!next) return std::nullopt;
    return wall_time_at(*next);
  }
  void take_over() { clock_.take_over(); }
  WallTime watermark(const KeySlot& first) {
    now_.look();
    return wall_time_at(clock_.watermark_of_all(Calling{"on_notify", first}, now_));
  }
  WallTime told() const { return wall_time_at(clock_.told_to_all()); }
  std::optional<WallTime> due_of_all(const KeySlot& first, WallTime when) const {
    const Micros there = when.time_since_epoch().count();
    const auto due = clock_.due_of_all(Calling{"notify_at", first}, there);
    if (!due) return std::nullopt;
    return wall_time_at(*due);
  }
  void forget_time() { clock_.forget(); }
  bool leaves_time() const { return clock_.is_left_by_keys(); }
  void keep_time(Slot& slot) const { clock_.keep_in(*slot.state.clock); }

  py::object snapshot(Slot& slot) {
    const Calling call{"snapshot", slot};
    State& state = slot.state;
    const py::object contents = states_.contents(call, state.windows.windows());
    const py::object waiting = states_.waiting(call, state.windows.waiting());
    const py::object clock = clock_.snapshot(*state.clock);
    const py::object windower = states_.windower(call, state.windows.windows());
    if (early_after_.value_or(0) == 0) {
      return made(call,
                  PyTuple_Pack(4, clock.ptr(), windower.ptr(), contents.ptr(), waiting.ptr()));
    }
    const py::object changed = states_.changed(call, *state.early);
    return made(call, PyTuple_Pack(5, clock.ptr(), windower.ptr(), contents.ptr(), waiting.ptr(),
                                   changed.ptr()));
  }

  void restore(Slot& slot, const py::object& state) {
    const Calling call{"builder", slot};
    now_.look();
    if (resume(call, slot.state, state.ptr())) return;
    // It is another step's, or by a hand: the Python form has the words for it, or makes it plain.
    slot.state = {};
    const py::object driver = call_user(call, builder_.ptr(), state.ptr());
    const py::object plain = call_method(call, driver.ptr(), interned("snapshot"));
    if (!resume(call, slot.state, plain.ptr())) {
      throw_type_error(call(), "step '" + step_ + "': the stored state " + shown(state.ptr()) +
                                   " is of another step; give this one another name");
    }
  }

 private:
  // What happens to the windows of a key in a call.
  class Handler {
   public:
    Handler(WindowLogic& logic, const Calling& call, EarlyResults* early, KeyedOut& out)
        : logic_(logic), call_(call), early_(early), events_(logic.kinds_, call.slot, out) {}

    py::object make() { return logic_.contents_->make(call_); }
    void late(WindowId id, const py::object& value) { events_.late(id, value); }
    void value(WindowId id, py::object& content, const py::object& value) {
      logic_.contents_->value(call_, content, value.ptr(), Emitted(events_, id));
      note(id);
    }
    void merge(WindowId from_id, py::object from, WindowId into_id, py::object& into) {
      if (early_ != nullptr) early_->forget(from_id);
      logic_.contents_->merge(call_, std::move(from), into, Emitted(events_, into_id));
      note(into_id);
    }
    void close(WindowId id, py::object content, const WindowBounds& bounds,
               const std::vector<WindowId>& merged) {
      if (early_ != nullptr) early_->forget(id);
      logic_.contents_->close(call_, std::move(content), Emitted(events_, id));
      events_.closed(id, logic_.metadata_.make(call_, id, bounds, merged));
    }

    // What open windows amount to, if that is to be told now.
    void tell_early(Windows& windows) {
      if (early_ == nullptr) return;
      for (const WindowId id : early_->take(system_now)) {
        logic_.contents_->early(call_, *windows.find(id), Emitted(events_, id));
      }
    }

   private:
    void note(WindowId id) {
      if (early_ != nullptr) early_->note(id, *logic_.early_after_, system_now);
    }

    WindowLogic& logic_;
    const Calling& call_;
    EarlyResults* early_;  // null: there are none
    Events events_;
  };

  Keep settle(Slot& slot, Micros watermark, const Calling& call, KeyedOut& out) {
    Handler handler(*this, call, slot.state.early.get(), out);
    slot.state.windows.settle(shape_, watermark, handler);
    handler.tell_early(slot.state.windows.windows());
    return slot.state.windows.may_be_forgotten() ? Keep::kNo : Keep::kYes;
  }

  // The greatest of the keys of a batch counts.
  void note_lag(Micros now, Micros watermark) {
    if (watermark == windowing::kUtcMin) return;
    const Duration lag(now - watermark);
    if (std::exchange(is_first_, false) || lag > *lag_) lag_ = lag;
  }

  void begin(Slot& slot) {
    slot.state.clock.emplace(clock_.begin(Calling{"builder", slot}, now_));
    if (early_after_) slot.state.early = std::make_unique<EarlyResults>();
  }

  bool resume(const Calling& call, State& key, PyObject* state) {
    const auto parts = StateParts::of(state);
    if (!parts) return false;
    auto clock = clock_.resume(call, now_, parts->clock);
    if (!clock) return false;
    key.clock = std::move(clock);
    return states_.resume(call, *parts, key.windows.windows()) &&
           states_.resume(call, parts->waiting, key.windows.waiting()) &&
           resume_early(parts->changed, key);
  }

  bool resume_early(PyObject* changed, State& key) const {
    if (!early_after_) return true;
    key.early = std::make_unique<EarlyResults>();
    if (changed == nullptr) return true;
    const auto ids = listed_ids(changed);
    if (!ids) return false;
    for (const WindowId id : *ids) {
      if (key.windows.windows().find(id) == nullptr) return false;
      key.early->note(id, *early_after_, system_now);
    }
    return true;
  }

  const StepId& step_;
  py::object builder_;
  bool ordered_;
  std::optional<Micros> early_after_;
  typename Windows::Shape shape_;
  Clock clock_;
  std::unique_ptr<Contents> contents_;
  States states_;
  Events::Kinds kinds_;
  MetadataMaker metadata_;
  Now now_;
  std::uint64_t batch_ = 0;
  std::optional<Duration> lag_;
  bool is_first_ = true;  // of the keys of a batch
};

template <class Windows>
std::unique_ptr<operators::KeyedBody> make_with_clock(const KeyedSetup& setup) {
  const py::object clock = part_of(setup, "clock");
  if (is_exactly(clock, modules::kClocks, "EventClock")) {
    if (!EventTime::pace_of(clock, setup.types)) return nullptr;
    const py::object watermark = attribute_of(clock.ptr(), "watermark");
    if (PyUnicode_Check(watermark.ptr()) &&
        PyUnicode_CompareWithASCIIString(watermark.ptr(), "worker") == 0)
      return std::make_unique<NativeKeyedBody<WindowLogic<WorkerEventTime, Windows>>>(setup);
    return std::make_unique<NativeKeyedBody<WindowLogic<EventTime, Windows>>>(setup);
  }
  if (is_exactly(clock, modules::kClocks, "SystemClock")) {
    return std::make_unique<NativeKeyedBody<WindowLogic<SystemTime, Windows>>>(setup);
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<operators::KeyedBody> make_window(const KeyedSetup& setup) {
  if (!has_early_after(setup)) return nullptr;
  if (shape_of<SessionContents>(setup)) return make_with_clock<SessionContents>(setup);
  if (shape_of<SlidingContents>(setup)) return make_with_clock<SlidingContents>(setup);
  return nullptr;
}

}  // namespace cppwax::bindings::native
