#include "engine/progress/epoch_clock.hpp"

#include <gmock/gmock.h>

#include <random>

#include "engine/base/error.hpp"

namespace cppwax::progress {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kStart{1h};

TEST(EpochClock, OpensTheNextWhenTheIntervalIsOver) {
  EpochClock clock(Epoch(1), 10s, kStart);
  clock.active(Epoch(1));
  EXPECT_EQ(clock.next_due(), kStart + 10s);
  EXPECT_EQ(clock.open_next(kStart + 10s - 1us), std::nullopt);
  EXPECT_EQ(clock.open_next(kStart + 10s), Epoch(2));
  EXPECT_EQ(clock.opened(), Epoch(2));
}

TEST(EpochClock, OpensNothingWithoutWork) {
  EpochClock clock(Epoch(1), 10s, kStart);
  EXPECT_EQ(clock.next_due(), std::nullopt);
  EXPECT_EQ(clock.open_next(kStart + 1h), std::nullopt);
}

TEST(EpochClock, WorkOfAnEarlierEpochDoesNotCount) {
  EpochClock clock(Epoch(1), 10s, kStart);
  clock.active(Epoch(1));
  ASSERT_EQ(clock.open_next(kStart + 10s), Epoch(2));
  clock.durable(Epoch(1));
  clock.active(Epoch(1));
  EXPECT_EQ(clock.next_due(), std::nullopt);
  EXPECT_EQ(clock.open_next(kStart + 1h), std::nullopt);
  clock.active(Epoch(2));
  clock.active(Epoch(1));
  EXPECT_EQ(clock.open_next(kStart + 1h), Epoch(3));
}

TEST(EpochClock, AnIntervalLastsFromTheOpening) {
  EpochClock clock(Epoch(1), 10s, kStart);
  clock.active(Epoch(1));
  ASSERT_EQ(clock.open_next(kStart + 25s), Epoch(2));
  clock.durable(Epoch(1));
  clock.active(Epoch(2));
  EXPECT_EQ(clock.next_due(), kStart + 35s);
  EXPECT_EQ(clock.open_next(kStart + 30s), std::nullopt);
}

TEST(EpochClock, KeepsAtMostTwoEpochsInFlight) {
  EpochClock clock(Epoch(1), 10s, kStart);
  clock.active(Epoch(1));
  ASSERT_EQ(clock.open_next(kStart + 10s), Epoch(2));
  clock.active(Epoch(2));
  EXPECT_EQ(clock.next_due(), std::nullopt);
  EXPECT_EQ(clock.open_next(kStart + 1h), std::nullopt);
  clock.durable(Epoch(1));
  EXPECT_EQ(clock.next_due(), kStart + 20s);
  EXPECT_EQ(clock.open_next(kStart + 1h), Epoch(3));
}

TEST(EpochClock, EpochsBeforeTheFirstCountAsDurable) {
  EpochClock clock(Epoch(7), 1s, kStart);
  clock.active(Epoch(7));
  EXPECT_EQ(clock.open_next(kStart + 1s), Epoch(8));
}

TEST(EpochClock, OlderNewsOfDurabilityTakesNothingBack) {
  EpochClock clock(Epoch(1), 1s, kStart);
  clock.active(Epoch(1));
  ASSERT_EQ(clock.open_next(kStart + 1s), Epoch(2));
  clock.active(Epoch(2));
  clock.durable(Epoch(2));
  clock.durable(Epoch(1));
  ASSERT_EQ(clock.open_next(kStart + 2s), Epoch(3));
  clock.active(Epoch(3));
  EXPECT_EQ(clock.open_next(kStart + 3s), Epoch(4));
}

// The opening of e+1 is what closes e, so it cannot wait for e: the sources do.
TEST(EpochClock, AtIntervalZeroWorkAloneOpensTheNext) {
  EpochClock clock(Epoch(1), 0s, kStart);
  EXPECT_EQ(clock.open_next(kStart), std::nullopt);
  clock.active(Epoch(1));
  EXPECT_EQ(clock.next_due(), kStart);
  EXPECT_EQ(clock.open_next(kStart), Epoch(2));
  EXPECT_EQ(clock.open_next(kStart), std::nullopt);
}

TEST(EpochClock, TheFirstMayNeedWorkAlone) {
  EpochClock clock(Epoch(7), 10s, kStart);
  clock.close_first_at_once();
  EXPECT_EQ(clock.next_due(), std::nullopt) << "it is idle";
  EXPECT_EQ(clock.open_next(kStart + 1h), std::nullopt);
  clock.active(Epoch(7));
  EXPECT_EQ(clock.next_due(), kStart);
  EXPECT_EQ(clock.open_next(kStart + 1h), Epoch(8));
  clock.durable(Epoch(7));
  clock.active(Epoch(8));
  EXPECT_EQ(clock.next_due(), kStart + 1h + 10s) << "those after it last as long as all others";
  EXPECT_EQ(clock.open_next(kStart + 1h + 9s), std::nullopt);
}

TEST(EpochClock, TheFirstMayNeedWorkAloneWhateverTheInterval) {
  EpochClock clock(Epoch(1), Duration::max(), kStart);
  clock.close_first_at_once();
  clock.active(Epoch(1));
  EXPECT_EQ(clock.open_next(kStart), Epoch(2));
  clock.durable(Epoch(1));
  clock.active(Epoch(2));
  EXPECT_EQ(clock.next_due(), std::nullopt);
}

TEST(EpochClock, AStopComesBeforeTheFirstIsClosed) {
  EpochClock clock(Epoch(1), 10s, kStart);
  clock.close_first_at_once();
  clock.active(Epoch(1));
  clock.stop();
  EXPECT_EQ(clock.open_next(kStart), std::nullopt);
}

TEST(EpochClock, OnlyTheFirstIsClosedAtOnce) {
  EpochClock clock(Epoch(1), 10s, kStart);
  clock.active(Epoch(1));
  ASSERT_EQ(clock.open_next(kStart + 10s), Epoch(2));
  EXPECT_THROW(clock.close_first_at_once(), InvariantError);
}

TEST(EpochClock, OpensNothingAfterAStop) {
  EpochClock clock(Epoch(1), 1s, kStart);
  clock.active(Epoch(1));
  clock.stop();
  EXPECT_EQ(clock.next_due(), std::nullopt);
  EXPECT_EQ(clock.open_next(kStart + 1h), std::nullopt);
  EXPECT_EQ(clock.opened(), Epoch(1));
}

TEST(EpochClock, TheLongestIntervalIsNeverOver) {
  EpochClock clock(Epoch(1), Duration::max(), kStart);
  clock.active(Epoch(1));
  EXPECT_EQ(clock.next_due(), std::nullopt);
  EXPECT_EQ(clock.open_next(kStart + 24h * 365), std::nullopt);
}

TEST(EpochClock, RefusesWorkOfAnEpochThatIsNotOpen) {
  EpochClock clock(Epoch(1), 1s, kStart);
  EXPECT_THROW(clock.active(Epoch(2)), InvariantError);
}

TEST(EpochClock, RefusesSettingsWithoutMeaning) {
  EXPECT_THROW(EpochClock(Epoch(0), 1s, kStart), InvariantError);
  EXPECT_THROW(EpochClock(Epoch(1), -1us, kStart), InvariantError);
}

class EpochClockUnderNews : public testing::TestWithParam<unsigned> {};

// P7 word by word, whatever comes in whatever order.
TEST_P(EpochClockUnderNews, OpensExactlyWhenItMay) {
  std::mt19937 random(GetParam());
  const auto upto = [&](unsigned greatest) { return random() % (greatest + 1); };
  const Epoch first(1 + upto(5));
  const Duration interval = upto(3) * 1s;
  EpochClock clock(first, interval, kStart);
  const bool first_at_once = upto(1) == 0;
  if (first_at_once) clock.close_first_at_once();
  SteadyTime now = kStart;
  SteadyTime opened_at = kStart;
  Epoch opened = first;
  Epoch active(first.value() - 1);
  Epoch durable(first.value() - 1);

  for (int i = 0; i < 400; ++i) {
    now += upto(1500) * 1ms;
    if (upto(2) == 0) {
      const Epoch told(std::max(opened.value() - upto(1), first.value()));
      clock.active(told);
      active = std::max(active, told);
    }
    if (upto(2) == 0) {
      const Epoch told(std::min(durable.value() + upto(1), opened.value() - 1));
      clock.durable(told);
      durable = std::max(durable, told);
    }
    const Duration lasts = first_at_once && opened == first ? Duration::zero() : interval;
    const bool lacks_time_only = active >= opened && durable.value() + 1 >= opened.value();
    ASSERT_EQ(clock.next_due(), lacks_time_only ? std::optional(opened_at + lasts) : std::nullopt);
    const auto next = clock.open_next(now);
    ASSERT_EQ(next.has_value(), lacks_time_only && now >= opened_at + lasts);
    if (!next) continue;
    ASSERT_EQ(*next, opened.next());
    opened = *next;
    opened_at = now;
    ASSERT_LE(opened.value(), durable.value() + 2) << "more than two epochs in flight";
  }
  EXPECT_GT(opened, first);
}

INSTANTIATE_TEST_SUITE_P(Seeds, EpochClockUnderNews, testing::Range(0u, 30u));

}  // namespace
}  // namespace cppwax::progress
