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
    const TimeInStep time(&meter, clock);
    clock.advance(milliseconds(4));
  }
  {
    const TimeInStep of_nobody(nullptr, clock);
    clock.advance(milliseconds(4));
  }
  EXPECT_EQ(meter.read(clock.steady()).worked, milliseconds(4));
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
