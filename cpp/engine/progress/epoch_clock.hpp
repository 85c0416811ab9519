// The one clock of the cluster, on worker 0: decides when the next epoch opens
// (docs/progress_and_snapshots.md P7). Pure: told what happened, asked what to do.
#pragma once

#include <optional>

#include "engine/base/clock.hpp"
#include "engine/base/ids.hpp"

namespace cppwax::progress {

// Belongs to worker 0. Invariants: (1) epochs open one by one; (2) e+1 opens only after work was
// reported in e, e-1 is durable, and e has lasted the interval, which the first need not where that
// was said; (3) nothing opens after a stop.
class EpochClock {
 public:
  // `interval` zero: every round of polls is an epoch. Epochs before `first` count as durable.
  EpochClock(Epoch first, Duration interval, SteadyTime now);

  // The first epoch is over as soon as work was reported in it. REQUIRES: it is the one that is
  // open.
  void close_first_at_once();

  // Some worker did its first work of `epoch`.
  void active(Epoch epoch);
  // All epochs up to and including `epoch` are durable (without recovery: the probe passed them).
  void durable(Epoch epoch);
  void stop();

  // The epoch to open now, or nullopt. After an answer the clock counts it as opened at `now`.
  std::optional<Epoch> open_next(SteadyTime now);
  // When open_next could answer by the passing of time alone; nullopt: only after news.
  std::optional<SteadyTime> next_due() const;

  Epoch opened() const { return opened_; }

 private:
  bool waits_for_time_only() const;

  const Epoch first_;
  Epoch opened_;
  Duration interval_;
  Duration lasts_;  // at least, the epoch that is open
  SteadyTime opened_at_;
  std::optional<Epoch> active_;
  Epoch durable_;  // first_ - 1 to begin with
  bool stopped_ = false;
};

}  // namespace cppwax::progress
