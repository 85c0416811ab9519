// A clock that stands still until a test moves it.
#pragma once

#include "engine/base/clock.hpp"

namespace cppwax::test {

// Belongs to one thread.
class FakeClock final : public Clock {
 public:
  // Both times begin at one hour, so that a test can also look back.
  FakeClock() = default;

  WallTime wall() const override { return WallTime(since_epoch_ + wall_shift_); }
  SteadyTime steady() const override { return SteadyTime(since_epoch_); }

  void advance(Duration by) { since_epoch_ += by; }
  // Sets the time of day alone, as an administrator does.
  void shift_wall(Duration by) { wall_shift_ += by; }

 private:
  Duration since_epoch_ = std::chrono::hours(1);
  Duration wall_shift_{0};
};

}  // namespace cppwax::test
