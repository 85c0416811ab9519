#include "engine/operators/meter.hpp"

#include <thread>

namespace cppwax::operators {

Meter::Reading Meter::read(SteadyTime now) const {
  Reading reading;
  // In this order no item is seen to have begun before it arrived.
  reading.emitted = emitted_.load(std::memory_order_acquire);
  reading.began = began_.load(std::memory_order_acquire);
  reading.arrived = arrived_.load(std::memory_order_acquire);
  reading.worked = Duration(worked_us_.load(std::memory_order_acquire));
  reading.held = held(static_cast<std::uint64_t>(now.time_since_epoch().count()));
  reading.room = room_;
  if (const std::int64_t lag = lag_us_.load(std::memory_order_acquire); lag != kNoLag) {
    reading.lag = Duration(lag);
  }
  const auto time_of = [](std::uint64_t us) -> std::optional<SteadyTime> {
    if (us == kNever) return std::nullopt;
    return SteadyTime(Duration(static_cast<std::int64_t>(us)));
  };
  reading.first = time_of(first_us_);
  reading.last = time_of(last_us_.load(std::memory_order_acquire));
  return reading;
}

// The worker may come between two loads: then they do not belong together.
Duration Meter::held(std::uint64_t now) const {
  for (;;) {
    const std::uint64_t since = held_since_;
    const std::uint64_t before = held_us_;
    if (since == kChanging || since != held_since_) {
      std::this_thread::yield();
      continue;
    }
    const bool is_held = since != kNotHeld && now > since;
    return Duration(before + (is_held ? now - since : 0));
  }
}

}  // namespace cppwax::operators
