// The clocks of one key: up to when everything is known. Pure: told what time it is, never looks.
// As the clocks of python/cppwax/operators/windowing/_clocks.py, which tests compare with.
#pragma once

#include <algorithm>
#include <optional>

#include "engine/windowing/time.hpp"

namespace cppwax::windowing {

// Nothing is ever late: the watermark is the system time, which may be set back, but not here.
class SystemWatermark {
 public:
  void look(Micros now) { now_ = std::max(now_, now); }
  Micros get() const { return now_; }
  // When the watermark will be at a time if nothing comes.
  std::optional<Micros> due(Micros when) const { return when; }

 private:
  Micros now_ = kUtcMin;
};

// How the watermarks of a step go. One a step.
// REQUIRES of both: from 0 to kLongestSpan.
struct Pace {
  Micros wait;            // how far they lag behind the latest timestamp
  Micros idle_after = 0;  // how long nothing must have come for them to go on by themselves
};

// The latest timestamp less a wait, and what time has passed since that came. Small; one a key.
// The same pace is given to all calls.
// Invariants: (1) the watermark never goes back; (2) it stands at kUtcMin until a timestamp less
// the wait is later than that.
class EventWatermark {
 public:
  // What a snapshot keeps: when the value came that brought the watermark forward last, and to
  // where; where it goes on after a pause only, when the last value came, and where it was then.
  struct State {
    Micros came;
    Micros base;
  };

  explicit EventWatermark(Micros now) : now_(now), state_{now, kUtcMin} {}
  EventWatermark(Micros now, State state) : now_(std::max(now, state.came)), state_(state) {}

  // Once before each batch and at each notification.
  void look(Micros now) { now_ = std::max(now_, now); }
  // Takes a timestamp; returns the watermark after it.
  Micros advance(const Pace& pace, Micros timestamp) {
    const Micros candidate = shifted(timestamp, -pace.wait);
    const Micros present = get(pace);
    if (candidate <= present && pace.idle_after == 0) return present;
    state_ = {now_, std::max(candidate, present)};
    return state_.base;
  }
  // Becomes what is further of the two, as if the values of both had come. One that goes on after a
  // pause only does not know whether it was one: the later may have seen values that the earlier
  // has not. It counts from where it was.
  void join(const Pace& pace, const EventWatermark& other) {
    look(other.now_);
    if (!other.has_begun()) return;
    if (!has_begun()) {
      state_ = other.state_;
      return;
    }
    const Micros came = std::max(state_.came, other.state_.came);
    const auto base_of = [&](const EventWatermark& one) {
      return pace.idle_after > 0 ? one.state_.base : one.at(pace, came);
    };
    state_ = {came, std::max(base_of(*this), base_of(other))};
  }
  Micros get(const Pace& pace) const { return at(pace, now_); }
  // The system time when the watermark will be at a time if nothing comes; nullopt: never.
  std::optional<Micros> due(const Pace& pace, Micros when) const {
    if (!has_begun()) return std::nullopt;
    const Micros lack = when - state_.base;
    return shifted(state_.came, lack > 0 ? lack + pace.idle_after : lack);
  }

  Micros now() const { return now_; }
  State state() const { return state_; }

 private:
  bool has_begun() const { return state_.base > kUtcMin; }
  Micros at(const Pace& pace, Micros now) const {
    if (!has_begun()) return kUtcMin;
    return shifted(state_.base, std::max<Micros>(0, now - state_.came - pace.idle_after));
  }

  Micros now_;
  State state_;
};

}  // namespace cppwax::windowing
