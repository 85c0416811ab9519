#include "engine/progress/epoch_clock.hpp"

#include <algorithm>

#include "engine/base/error.hpp"

namespace cppwax::progress {

EpochClock::EpochClock(Epoch first, Duration interval, SteadyTime now)
    : first_(first),
      opened_(first),
      interval_(interval),
      lasts_(interval),
      opened_at_(now),
      durable_(first.value() - 1) {
  ENGINE_ASSERT(first >= kFirstEpoch, first);
  ENGINE_ASSERT(interval >= Duration::zero(), interval.count());
}

void EpochClock::close_first_at_once() {
  ENGINE_ASSERT(opened_ == first_, opened_, first_);
  lasts_ = Duration::zero();
}

void EpochClock::active(Epoch epoch) {
  ENGINE_ASSERT(epoch <= opened_, epoch, opened_);
  active_ = std::max(active_.value_or(epoch), epoch);
}

void EpochClock::durable(Epoch epoch) {
  durable_ = std::max(durable_, epoch);
}

void EpochClock::stop() {
  stopped_ = true;
}

std::optional<Epoch> EpochClock::open_next(SteadyTime now) {
  // Compared as a span: the time when a very long interval is over need not be representable.
  if (!waits_for_time_only() || now - opened_at_ < lasts_) return std::nullopt;
  opened_ = opened_.next();
  opened_at_ = now;
  lasts_ = interval_;
  return opened_;
}

std::optional<SteadyTime> EpochClock::next_due() const {
  if (!waits_for_time_only() || lasts_ > SteadyTime::max() - opened_at_) return std::nullopt;
  return opened_at_ + lasts_;
}

// P7, without the interval. That at interval 0 only one epoch is in flight is kept by the sources:
// the clock must open e+1 before e is durable, since its opening is what closes e.
bool EpochClock::waits_for_time_only() const {
  const bool worked_in = active_ && *active_ >= opened_;
  const bool before_is_durable = durable_.next() >= opened_;
  return !stopped_ && worked_in && before_is_durable;
}

}  // namespace cppwax::progress
