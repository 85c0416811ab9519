// The clocks of one key: up to when everything is known. Pure: told what time it is, never looks.
// As the clocks of python/cppwax/operators/windowing/_clocks.py, which tests compare with.
#pragma once

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

// The latest timestamp less a wait, and what time has passed since that came. Small; one a key.
// Invariants: (1) the watermark never goes back; (2) it stands at kUtcMin until a timestamp less
// the wait is later than that.
class EventWatermark {
 public:
  // What a snapshot keeps: when the value came that brought the watermark forward last, and to
  // where.
  struct State {
    Micros came;
    Micros base;
  };

  explicit EventWatermark(Micros now) : now_(now), state_{now, kUtcMin} {}
  EventWatermark(Micros now, State state) : now_(std::max(now, state.came)), state_(state) {}

  // Once before each batch and at each notification.
  void look(Micros now) { now_ = std::max(now_, now); }
  // Takes a timestamp; returns the watermark after it. REQUIRES: 0 <= wait <= kLongestSpan.
  Micros advance(Micros timestamp, Micros wait) {
    const Micros candidate = shifted(timestamp, -wait);
    const Micros present = get();
    if (candidate <= present) return present;
    state_ = {now_, candidate};
    return candidate;
  }
  Micros get() const { return has_begun() ? shifted(state_.base, now_ - state_.came) : kUtcMin; }
  // The system time when the watermark will be at a time if nothing comes; nullopt: never.
  std::optional<Micros> due(Micros when) const {
    if (!has_begun()) return std::nullopt;
    return shifted(state_.came, when - state_.base);
  }

  State state() const { return state_; }

 private:
  bool has_begun() const { return state_.base > kUtcMin; }

  Micros now_;
  State state_;
};

}  // namespace cppwax::windowing
