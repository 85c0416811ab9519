#include "bindings/logic/worker_time.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "bindings/logic/keyed_answer.hpp"
#include "bindings/logic/modules.hpp"
#include "bindings/logic/native.hpp"
#include "bindings/py_error.hpp"
#include "engine/windowing/time.hpp"

namespace cppwax::bindings {

namespace {

struct TimedBuilder {
  const char* module;
  const char* type;
};

// Whose base is TimedBuilder.
constexpr std::array kTimedBuilders{
    TimedBuilder{modules::kWindowDriver, "WindowBuilder"},
    TimedBuilder{modules::kIntervalJoin, "IntervalJoinBuilder"},
    TimedBuilder{modules::kAsOfJoin, "AsOfJoinBuilder"},
};

}  // namespace

WorkerTime::WorkerTime(const PyTypes& types, py::object time)
    : types_(types), time_(std::move(time)) {}

void WorkerTime::take_over() {
  call_method([] { return std::string("sharing a watermark"); }, time_.ptr(), take_over_);
}

WallTime WorkerTime::watermark(const KeySlot& first) const {
  const auto doing = [&] { return calling("on_notify", first); };
  return *time_of(doing, call_method(doing, time_.ptr(), watermark_));
}

WallTime WorkerTime::told(const KeySlot& first) const {
  const auto doing = [&] { return calling("notify_at", first); };
  return *time_of(doing, call_method(doing, time_.ptr(), told_));
}

std::optional<WallTime> WorkerTime::due(const KeySlot& first, WallTime when) const {
  const auto doing = [&] { return calling("notify_at", first); };
  const py::object asked = datetime_of(types_, when);
  return time_of(doing, call_method(doing, time_.ptr(), to_system_utc_, asked.ptr()));
}

std::optional<WallTime> WorkerTime::due_by_watermark(const py::object& logic,
                                                     const KeySlot& slot) const {
  const auto doing = [&] { return calling("notify_at", slot); };
  return time_of(doing, call_method(doing, logic.ptr(), watermark_due_));
}

void WorkerTime::keep_in(const py::object& logic, const KeySlot& slot) const {
  call_method([&] { return calling("on_notify", slot); }, logic.ptr(), keep_time_);
}

void WorkerTime::forget() {
  call_method([] { return std::string("forgetting a watermark"); }, time_.ptr(), forget_);
}

template <class Doing>
std::optional<WallTime> WorkerTime::time_of(Doing&& doing, const py::object& answer) const {
  if (answer.is_none()) return std::nullopt;
  std::string why;
  const auto time = wall_time_of(types_, answer.ptr(), why);
  // A windower of the user's gave it.
  if (!time) {
    throw_type_error(doing(),
                     "where the watermark must be for a window to close must be a `datetime` with "
                     "a timezone, or None; " +
                         why);
  }
  // A zone may lie beyond the ends of time.
  return WallTime(Duration(windowing::between_the_ends(time->time_since_epoch().count())));
}

WorkerBuilder builder_for_worker(const PyTypes& types, py::object builder) {
  const bool is_timed = std::ranges::any_of(kTimedBuilders, [&](const TimedBuilder& timed) {
    return is_exactly(builder, timed.module, timed.type);
  });
  if (!is_timed) return {std::move(builder), std::nullopt};
  const auto doing = [] { return std::string("making a clock"); };
  const py::tuple bound = call_method(doing, builder.ptr(), interned("for_worker"));
  if (bound[1].is_none()) return {bound[0], std::nullopt};
  return {bound[0], WorkerTime(types, bound[1])};
}

}  // namespace cppwax::bindings
