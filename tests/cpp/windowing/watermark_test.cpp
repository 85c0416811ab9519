#include "engine/windowing/watermark.hpp"

#include <gmock/gmock.h>

namespace cppwax::windowing {
namespace {

constexpr Micros kNow = 1'700'000'000'000'000;

TEST(EventWatermark, LagsByTheWaitAndNeverGoesBack) {
  EventWatermark watermark(kNow);
  EXPECT_EQ(watermark.get(), kUtcMin);
  EXPECT_EQ(watermark.advance(100, 10), 90);
  EXPECT_EQ(watermark.advance(50, 10), 90);
  EXPECT_EQ(watermark.advance(101, 10), 91);
}

TEST(EventWatermark, GoesOnAsTimePasses) {
  EventWatermark watermark(kNow);
  watermark.advance(100, 10);
  watermark.look(kNow + 4);
  EXPECT_EQ(watermark.get(), 94);
  EXPECT_EQ(watermark.advance(103, 10), 94) << "lags behind the time passed";
  EXPECT_EQ(watermark.advance(105, 10), 95);
  watermark.look(kNow + 5);
  EXPECT_EQ(watermark.get(), 96);
}

TEST(EventWatermark, ATimeThatIsSetBackDoesNotMatter) {
  EventWatermark watermark(kNow);
  watermark.advance(100, 0);
  watermark.look(kNow + 30);
  watermark.look(kNow - 1000);
  EXPECT_EQ(watermark.get(), 130);
}

TEST(EventWatermark, TellsWhenItWillBeThere) {
  EventWatermark watermark(kNow);
  EXPECT_EQ(watermark.due(100), std::nullopt) << "without a value it stands still";
  watermark.advance(100, 10);
  watermark.look(kNow + 3);
  const auto due = watermark.due(200);
  ASSERT_EQ(due, kNow + 110);
  watermark.look(*due - 1);
  EXPECT_LT(watermark.get(), 200);
  watermark.look(*due);
  EXPECT_EQ(watermark.get(), 200);
}

TEST(EventWatermark, StopsAtTheEndsOfTime) {
  EventWatermark early(kNow);
  EXPECT_EQ(early.advance(kUtcMin, 0), kUtcMin);
  EXPECT_EQ(early.advance(kUtcMax, kLongestSpan), kUtcMin);
  early.look(kUtcMax);
  EXPECT_EQ(early.get(), kUtcMin);
  EventWatermark late(kUtcMin);
  EXPECT_EQ(late.advance(kUtcMax, 0), kUtcMax);
  late.look(kUtcMax);
  EXPECT_EQ(late.get(), kUtcMax);
  EXPECT_EQ(EventWatermark(kNow, {kNow, kUtcMin + 1}).due(kUtcMax), kUtcMax);
}

TEST(EventWatermark, GoesOnFromAStateAlsoWhereTheSystemIsBehind) {
  EventWatermark watermark(kNow);
  watermark.advance(100, 0);
  EventWatermark later(kNow + 50, watermark.state());
  EXPECT_EQ(later.get(), 150);
  EventWatermark earlier(kNow - 50, watermark.state());
  EXPECT_EQ(earlier.get(), 100);
}

TEST(SystemWatermark, IsTheTimeThatNeverGoesBack) {
  SystemWatermark watermark;
  watermark.look(kNow);
  watermark.look(kNow - 5);
  EXPECT_EQ(watermark.get(), kNow);
  EXPECT_EQ(watermark.due(kNow + 7), kNow + 7);
}

}  // namespace
}  // namespace cppwax::windowing
