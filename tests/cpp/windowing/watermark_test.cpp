#include "engine/windowing/watermark.hpp"

#include <gmock/gmock.h>

namespace cppwax::windowing {
namespace {

constexpr Micros kNow = 1'700'000'000'000'000;
// To be asked with: the wait counts for values only.
constexpr Pace kNoWait{0};

TEST(EventWatermark, LagsByTheWaitAndNeverGoesBack) {
  EventWatermark watermark(kNow);
  EXPECT_EQ(watermark.get(kNoWait), kUtcMin);
  EXPECT_EQ(watermark.advance({10}, 100), 90);
  EXPECT_EQ(watermark.advance({10}, 50), 90);
  EXPECT_EQ(watermark.advance({10}, 101), 91);
}

TEST(EventWatermark, GoesOnAsTimePasses) {
  EventWatermark watermark(kNow);
  watermark.advance({10}, 100);
  watermark.look(kNow + 4);
  EXPECT_EQ(watermark.get(kNoWait), 94);
  EXPECT_EQ(watermark.advance({10}, 103), 94) << "lags behind the time passed";
  EXPECT_EQ(watermark.advance({10}, 105), 95);
  watermark.look(kNow + 5);
  EXPECT_EQ(watermark.get(kNoWait), 96);
}

TEST(EventWatermark, ATimeThatIsSetBackDoesNotMatter) {
  EventWatermark watermark(kNow);
  watermark.advance({0}, 100);
  watermark.look(kNow + 30);
  watermark.look(kNow - 1000);
  EXPECT_EQ(watermark.get(kNoWait), 130);
}

TEST(EventWatermark, TellsWhenItWillBeThere) {
  EventWatermark watermark(kNow);
  EXPECT_EQ(watermark.due(kNoWait, 100), std::nullopt) << "without a value it stands still";
  watermark.advance({10}, 100);
  watermark.look(kNow + 3);
  const auto due = watermark.due(kNoWait, 200);
  ASSERT_EQ(due, kNow + 110);
  watermark.look(*due - 1);
  EXPECT_LT(watermark.get(kNoWait), 200);
  watermark.look(*due);
  EXPECT_EQ(watermark.get(kNoWait), 200);
}

TEST(EventWatermark, StopsAtTheEndsOfTime) {
  EventWatermark early(kNow);
  EXPECT_EQ(early.advance({0}, kUtcMin), kUtcMin);
  EXPECT_EQ(early.advance({kLongestSpan}, kUtcMax), kUtcMin);
  early.look(kUtcMax);
  EXPECT_EQ(early.get(kNoWait), kUtcMin);
  EventWatermark late(kUtcMin);
  EXPECT_EQ(late.advance({0}, kUtcMax), kUtcMax);
  late.look(kUtcMax);
  EXPECT_EQ(late.get(kNoWait), kUtcMax);
  EXPECT_EQ(EventWatermark(kNow, {kNow, kUtcMin + 1}).due(kNoWait, kUtcMax), kUtcMax);
}

TEST(EventWatermark, GoesOnFromAStateAlsoWhereTheSystemIsBehind) {
  EventWatermark watermark(kNow);
  watermark.advance({0}, 100);
  EventWatermark later(kNow + 50, watermark.state());
  EXPECT_EQ(later.get(kNoWait), 150);
  EventWatermark earlier(kNow - 50, watermark.state());
  EXPECT_EQ(earlier.get(kNoWait), 100);
}

TEST(EventWatermark, GoesOnAfterAPauseOnly) {
  constexpr Pace kPace{10, 5};
  EventWatermark watermark(kNow);
  EXPECT_EQ(watermark.advance(kPace, 100), 90);
  watermark.look(kNow + 4);
  EXPECT_EQ(watermark.get(kPace), 90);
  EXPECT_EQ(watermark.advance(kPace, 50), 90) << "it begins the pause anew";
  watermark.look(kNow + 9);
  EXPECT_EQ(watermark.get(kPace), 90);
  EXPECT_EQ(watermark.due(kPace, 93), kNow + 4 + 5 + 3);
  watermark.look(kNow + 12);
  EXPECT_EQ(watermark.get(kPace), 93);
  EXPECT_EQ(watermark.advance(kPace, 0), 93);
  watermark.look(kNow + 17);
  EXPECT_EQ(watermark.get(kPace), 93);
}

TEST(EventWatermark, AfterAPauseForEverStandsStill) {
  constexpr Pace kPace{0, kLongestSpan};
  EventWatermark watermark(kNow);
  watermark.advance(kPace, 100);
  watermark.look(kUtcMax);
  EXPECT_EQ(watermark.get(kPace), 100);
  EXPECT_EQ(watermark.due(kPace, kUtcMax), kUtcMax);
}

TEST(EventWatermark, OfTwoTheFurtherCounts) {
  EventWatermark one(kNow);
  EventWatermark other(kNow);
  one.join(kNoWait, other);
  EXPECT_EQ(one.get(kNoWait), kUtcMin);
  other.advance(kNoWait, 100);
  other.look(kNow + 7);
  one.join(kNoWait, other);
  EXPECT_EQ(one.get(kNoWait), 107) << "takes over the time too";
  EventWatermark later(kNow + 20);
  later.advance(kNoWait, 101);
  one.join(kNoWait, later);
  EXPECT_EQ(one.get(kNoWait), 120) << "it has gone on meanwhile";
  later.advance(kNoWait, 130);
  later.join(kNoWait, one);
  EXPECT_EQ(later.get(kNoWait), 130);
}

TEST(EventWatermark, OneThatWasNotAskedDoesNotCountAPause) {
  constexpr Pace kPace{0, 5};
  EventWatermark asleep(kNow);
  asleep.advance(kPace, 100);
  EventWatermark awake = asleep;
  awake.look(kNow + 4);
  awake.advance(kPace, 0);
  asleep.look(kNow + 8);
  EXPECT_EQ(asleep.get(kPace), 103);
  asleep.join(kPace, awake);
  EXPECT_EQ(asleep.get(kPace), 100);
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
