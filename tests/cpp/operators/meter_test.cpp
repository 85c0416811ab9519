#include "engine/operators/meter.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/fake_clock.hpp"

namespace cppwax::operators {
namespace {

using std::chrono::milliseconds;

TEST(Meter, CountsItems) {
  test::FakeClock clock;
  Meter meter;
  meter.arrived(5);
  meter.arrived(2);
  meter.began(3);
  meter.emitted(30);
  const auto reading = meter.read(clock.steady());
  EXPECT_EQ(reading.arrived, 7u);
  EXPECT_EQ(reading.began, 3u);
  EXPECT_EQ(reading.emitted, 30u);
}

TEST(Meter, AddsUpTheTimeThatAStepIsHeld) {
  test::FakeClock clock;
  Meter meter;
  meter.set_held(false, clock);
  clock.advance(milliseconds(1));
  EXPECT_EQ(meter.read(clock.steady()).held, milliseconds(0));

  meter.set_held(true, clock);
  clock.advance(milliseconds(10));
  EXPECT_EQ(meter.read(clock.steady()).held, milliseconds(10)) << "and it still is";
  meter.set_held(true, clock);
  clock.advance(milliseconds(10));
  meter.set_held(false, clock);
  clock.advance(milliseconds(500));
  EXPECT_EQ(meter.read(clock.steady()).held, milliseconds(20));

  meter.set_held(true, clock);
  clock.advance(milliseconds(3));
  EXPECT_EQ(meter.read(clock.steady()).held, milliseconds(23));
}

TEST(Meter, TimeInAStepIsOfItsMeter) {
  test::FakeClock clock;
  Meter meter;
  {
    const Timed time(&meter, clock, Timed::As::kWork);
    clock.advance(milliseconds(4));
  }
  {
    const Timed of_nobody(nullptr, clock, Timed::As::kBoth);
    clock.advance(milliseconds(4));
  }
  const auto reading = meter.read(clock.steady());
  EXPECT_EQ(reading.worked, milliseconds(4));
  EXPECT_EQ(*reading.last - *reading.first, milliseconds(4));
  EXPECT_EQ(meter.calls().sum, milliseconds(0));
}

TEST(Meter, TimeInCallsIsWithoutWhatSendingTook) {
  test::FakeClock clock;
  Meter meter;
  {
    const Timed work(&meter, clock, Timed::As::kWork);
    const Timed calls(&meter, clock, Timed::As::kCalls);
    clock.advance(milliseconds(4));
    meter.sent(milliseconds(1));
  }
  {
    const Timed both(&meter, clock, Timed::As::kBoth);
    clock.advance(milliseconds(2));
  }
  {
    const Timed stored(&meter, clock, Timed::As::kSnapshot);
    clock.advance(milliseconds(7));
  }
  EXPECT_EQ(meter.read(clock.steady()).worked, milliseconds(6));
  EXPECT_EQ(meter.calls().sum, milliseconds(5));
  EXPECT_EQ(meter.snapshots().sum, milliseconds(7));
}

TEST(Meter, OfAStepThatSawNothingLittleIsKnown) {
  test::FakeClock clock;
  Meter meter;
  const auto before = meter.read(clock.steady());
  EXPECT_FALSE(before.lag);
  EXPECT_FALSE(before.first);
  EXPECT_FALSE(before.last);
  meter.lags(milliseconds(-5));
  meter.set_room(12);
  const auto after = meter.read(clock.steady());
  EXPECT_EQ(after.lag, milliseconds(-5)) << "timestamps may lie in the future";
  EXPECT_EQ(after.room, 12u);
}

TEST(Durations, AreCountedByTheirBounds) {
  Durations durations;
  durations.add(Durations::kBounds[0]);
  durations.add(Durations::kBounds[0] + Duration(1));
  durations.add(Duration(0));
  durations.add(std::chrono::hours(1));
  const auto reading = durations.read();
  EXPECT_EQ(reading.counts[0], 2u);
  EXPECT_EQ(reading.counts[1], 1u);
  EXPECT_EQ(reading.counts.back(), 1u);
  EXPECT_EQ(reading.sum, std::chrono::hours(1) + 2 * Durations::kBounds[0] + Duration(1));
}

TEST(Meter, WhoReadsMeanwhileNeverSeesANumberFall) {
  const Clock& clock = system_clock();
  Meter meter;
  std::atomic<bool> over{false};
  std::thread worker([&] {
    for (int i = 0; i < 50'000; ++i) {
      meter.arrived(1);
      meter.began(1);
      meter.set_held(i % 2 == 0, clock);
    }
    over = true;
  });
  Meter::Reading last;
  while (!over) {
    const auto reading = meter.read(clock.steady());
    EXPECT_GE(reading.arrived, last.arrived);
    EXPECT_GE(reading.arrived, reading.began);
    EXPECT_GE(reading.held, last.held);
    last = reading;
  }
  worker.join();
  EXPECT_EQ(meter.read(clock.steady()).began, 50'000u);
}

}  // namespace
}  // namespace cppwax::operators
