#include "engine/base/clock.hpp"

#include <gmock/gmock.h>

namespace cppwax {
namespace {

using std::chrono::sys_days;
using namespace std::chrono_literals;

TEST(SystemClock, SteadyTimeNeverGoesBack) {
  SteadyTime before = system_clock().steady();
  for (int i = 0; i < 10'000; ++i) {
    const SteadyTime now = system_clock().steady();
    ASSERT_LE(before, now);
    before = now;
  }
}

TEST(SystemClock, WallTimeIsTheTimeOfDay) {
  const WallTime now = system_clock().wall();
  EXPECT_GT(now, WallTime(sys_days(2024y / 1 / 1)));
  EXPECT_LT(now, WallTime(sys_days(2200y / 1 / 1)));
}

TEST(SystemClock, IsOneForTheWholeProgram) {
  EXPECT_EQ(&system_clock(), &system_clock());
}

}  // namespace
}  // namespace cppwax
