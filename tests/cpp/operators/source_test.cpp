#include "engine/operators/source.hpp"

#include <gmock/gmock.h>

#include "engine/base/error.hpp"
#include "support/source_bench.hpp"

namespace cppwax::operators {
namespace {

using namespace std::chrono_literals;
using test::aborts;
using test::gives;
using test::has_nothing;
using test::outputs_to;
using test::Script;
using test::sleeps;
using testing::ElementsAre;
using testing::IsEmpty;

using Bench = test::SourceBench;

TEST(SourceStep, PollsEachPartOnceInARound) {
  Bench bench({{gives({1}), gives({2})}, {gives({10}), gives({20})}});
  EXPECT_THAT(bench.turn(), ElementsAre("1:[1]", "1:[10]"));
  EXPECT_TRUE(bench.again);
  EXPECT_THAT(bench.turn(), ElementsAre("1:[2]", "1:[20]"));
  EXPECT_THAT(bench.turn(), ElementsAre("Eof1"));
  EXPECT_TRUE(bench.step.done());
}

TEST(SourceStep, AsksForTheTimeOfAPartBeforeAndAfterEachPoll) {
  Bench bench({{gives({1})}});
  bench.turn();
  bench.turn();
  EXPECT_THAT(bench.record.calls_of("in"),
              ElementsAre("build a @0", "next_awake @0", "next_batch @0", "next_awake @0",
                          "next_batch @0", "close @0"));
}

TEST(SourceStep, EndsWhenTheLastPartHas) {
  Bench bench({{gives({1})}, {gives({10}), gives({20})}});
  bench.turn();
  EXPECT_THAT(bench.turn(), ElementsAre("1:[20]"));
  EXPECT_EQ(bench.closes(), 1u);
  EXPECT_THAT(bench.turn(), ElementsAre("Eof1"));
  EXPECT_EQ(bench.closes(), 2u);
}

TEST(SourceStep, WithoutPartsItEndsAtOnce) {
  Bench bench({});
  EXPECT_THAT(bench.turn(), ElementsAre("Eof1"));
}

TEST(SourceStep, SleepsUntilTheTimeItWasGiven) {
  Bench bench({{gives({1}, 5s), gives({2})}});
  EXPECT_THAT(bench.turn(), ElementsAre("1:[1]"));
  EXPECT_FALSE(bench.again);
  EXPECT_EQ(bench.step.next_wake(), bench.host.time.wall() + 5s);
  bench.host.time.advance(5s - 1us);
  EXPECT_THAT(bench.turn(), IsEmpty());
  bench.host.time.advance(1us);
  EXPECT_THAT(bench.turn(), ElementsAre("1:[2]"));
}

TEST(SourceStep, ATimeThatIsOverIsNow) {
  Bench bench({{gives({1}, -5s), gives({2})}});
  bench.turn();
  EXPECT_TRUE(bench.again);
  EXPECT_THAT(bench.turn(), ElementsAre("1:[2]"));
}

TEST(SourceStep, OnePartSleepsWhileAnotherIsPolled) {
  Bench bench({{gives({1}, 5s), gives({2})}, {gives({10}), gives({20})}});
  EXPECT_THAT(bench.turn(), ElementsAre("1:[1]", "1:[10]"));
  EXPECT_TRUE(bench.again);
  EXPECT_THAT(bench.turn(), ElementsAre("1:[20]"));
}

TEST(SourceStep, AfterEmptyPollsItPausesLongerAndLonger) {
  Bench bench({Script(8, has_nothing())});
  std::vector<std::int64_t> pauses_ms;
  for (int i = 0; i < 7; ++i) {
    bench.turn();
    EXPECT_FALSE(bench.again);
    const Duration pause = *bench.step.next_wake() - bench.host.time.wall();
    pauses_ms.push_back(std::chrono::floor<std::chrono::milliseconds>(pause).count());
    bench.host.time.advance(pause);
  }
  EXPECT_THAT(pauses_ms, ElementsAre(1, 2, 4, 8, 16, 20, 20));
}

TEST(SourceStep, ItemsEndThePauses) {
  Bench bench({{has_nothing(), has_nothing(), gives({1}), has_nothing()}});
  for (int i = 0; i < 3; ++i) {
    bench.turn();
    bench.host.time.advance(4ms);
  }
  bench.turn();
  EXPECT_EQ(bench.step.next_wake(), bench.host.time.wall() + 1ms);
}

TEST(SourceStep, WithoutCreditItPollsNothing) {
  Bench bench({Script(5, gives({1, 2}))}, {2, 1000});
  EXPECT_THAT(bench.turn(), ElementsAre("1:[1 2]"));
  EXPECT_THAT(bench.turn(), IsEmpty());
  EXPECT_FALSE(bench.again);
  EXPECT_EQ(bench.step.next_wake(), std::nullopt) << "credit wakes it, no timer";
  EXPECT_EQ(bench.polls(), 1u);
  bench.down.repay();
  EXPECT_GT(bench.down.wakes(), 0);
  EXPECT_THAT(bench.turn(), ElementsAre("1:[1 2]"));
}

TEST(SourceStep, ARoundGoesOnWhereCreditRanOut) {
  const Script script = {gives({1, 2}), gives({3, 4})};
  Bench bench({script, script, script}, {3, 1000});
  EXPECT_THAT(bench.turn(), ElementsAre("1:[1 2]", "1:[1 2]"));
  bench.down.repay();
  EXPECT_THAT(bench.turn(), ElementsAre("1:[1 2]"));
  EXPECT_THAT(bench.turn(), ElementsAre("1:[3 4]"));
}

TEST(SourceStep, EpochsCloseWhilePaused) {
  Bench bench({Script(5, gives({1, 2}))}, {2, 1000});
  bench.turn();
  bench.host.opened_epoch = Epoch(2);
  EXPECT_THAT(bench.turn(), ElementsAre("F2"));
  EXPECT_EQ(bench.step.epoch(), Epoch(2));
}

TEST(SourceStep, EpochsCloseWhileAsleep) {
  Bench bench({{gives({1}, 1h)}});
  bench.turn();
  bench.host.opened_epoch = Epoch(3);
  EXPECT_THAT(bench.turn(), ElementsAre("F2", "F3"));
}

TEST(SourceStep, NewItemsBelongToTheEpochThatWasOpened) {
  Bench bench({{gives({1}), gives({2})}});
  bench.turn();
  bench.host.opened_epoch = Epoch(2);
  EXPECT_THAT(bench.turn(), ElementsAre("F2", "2:[2]"));
  EXPECT_THAT(bench.host.active, ElementsAre(1u, 2u));
}

TEST(SourceStep, EmptyPollsAreNoWorkOfAnEpoch) {
  Bench bench({{has_nothing(), gives({1})}});
  bench.turn();
  EXPECT_THAT(bench.host.active, IsEmpty());
}

TEST(SourceStep, StopsInTheLastEpochOpened) {
  Bench bench({{gives({1}), gives({2})}});
  bench.turn();
  bench.host.opened_epoch = Epoch(2);
  bench.host.stop = true;
  EXPECT_THAT(bench.turn(), ElementsAre("F2", "Stopped2"));
  EXPECT_TRUE(bench.step.done());
  EXPECT_EQ(bench.polls(), 1u);
  EXPECT_EQ(bench.closes(), 0u);
  bench.step.close();
  EXPECT_EQ(bench.closes(), 1u);
}

TEST(SourceStep, AnAbortEndsTheRunAtOnce) {
  Bench bench({{aborts(), gives({1})}, {gives({10})}});
  EXPECT_THAT(bench.turn(), IsEmpty()) << "no other part is polled any more";
  EXPECT_TRUE(bench.host.aborted);
  EXPECT_EQ(bench.polls(), 1u);
}

TEST(SourceStep, ClosesEachPartOnce) {
  Bench bench({{}, {gives({1}), gives({2})}});
  bench.turn();
  EXPECT_EQ(bench.closes(), 1u);
  bench.step.close();
  EXPECT_EQ(bench.closes(), 2u);
  bench.step.close();
  EXPECT_EQ(bench.closes(), 2u);
}

TEST(SourceStep, APartThatFailsToCloseIsClosedOnceAndTheOthersToo) {
  Bench bench({{gives({1})}, {gives({1})}, {gives({1})}}, {100, 10000},
              [](const std::string& call, test::Seat) {
                if (call == "close") throw UserCodeError("closing", nullptr);
              });
  EXPECT_THROW(bench.step.close(), UserCodeError);
  EXPECT_EQ(bench.closes(), 3u);
  bench.step.close();
  EXPECT_EQ(bench.closes(), 3u);
}

TEST(SourceStep, AFailingCloseAtTheEndOfAPartIsAFailure) {
  Bench bench({{}}, {100, 10000}, [](const std::string& call, test::Seat) {
    if (call == "close") throw UserCodeError("closing", nullptr);
  });
  EXPECT_THROW(bench.step.activate(), UserCodeError);
  bench.step.close();
  EXPECT_EQ(bench.closes(), 1u);
}

// ---- Parts that start now.

struct StartsNow : Bench {
  explicit StartsNow(std::vector<Script> scripts, bool recovery = true)
      : Bench(std::move(scripts), {100, 10000}, {}, recovery, true) {}
};

TEST(SourceStepThatStartsNow, ReportsTheFirstEpochBeforeAnyPoll) {
  StartsNow bench({{has_nothing()}, {has_nothing()}});
  EXPECT_EQ(bench.polls(), 0u);
  ASSERT_FALSE(bench.host.active.empty());
  EXPECT_THAT(bench.host.active, testing::Each(1u));
}

TEST(SourceStepThatStartsNow, StoresItsPlaceUnpolledAndOnce) {
  StartsNow bench({{gives({1})}, {gives({10})}});
  bench.host.opened_epoch = Epoch(2);
  EXPECT_THAT(bench.turn(), ElementsAre("F2", "2:[1]", "2:[10]"));
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("in a=0", "in b=0", "F2"));
}

TEST(SourceStepThatStartsNow, WhatIsIdleStoresNothingMore) {
  StartsNow bench({{gives({}, 1h)}});
  bench.turn();
  bench.host.opened_epoch = Epoch(2);
  bench.turn();
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("in a=1", "F2"));
  bench.host.opened_epoch = Epoch(3);
  bench.turn();
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("F3"));
}

TEST(SourceStepThatStartsNow, AStopStoresItsPlace) {
  StartsNow bench({{gives({1})}});
  bench.host.stop = true;
  EXPECT_THAT(bench.turn(), ElementsAre("Stopped1"));
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("in a=0", "Stopped1"));
}

TEST(SourceStepThatStartsNow, APartThatEndsAtOnceStoresWhereItEnded) {
  StartsNow bench(std::vector<Script>{Script{}});
  EXPECT_THAT(bench.turn(), ElementsAre("Eof1"));
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("in a=0", "Eof1"));
}

TEST(SourceStepThatStartsNow, WithoutRecoveryItIsLikeAnyOther) {
  StartsNow bench({{has_nothing(), gives({1})}}, false);
  bench.turn();
  EXPECT_THAT(bench.host.active, IsEmpty());
}

TEST(SourceStepThatStartsNow, AtIntervalZeroItPollsOnceBeforeTheFirstEpochCloses) {
  StartsNow bench({{gives({1}), gives({2})}});
  bench.host.interval_zero = true;
  bench.host.opened_epoch = Epoch(2);
  EXPECT_THAT(bench.turn(), ElementsAre("1:[1]", "F2"));
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("in a=1", "F2"));
  EXPECT_THAT(bench.turn(), IsEmpty());
}

// ---- Interval 0.

struct EachPoll : Bench {
  explicit EachPoll(std::vector<Script> scripts, channel::Amount window = {100, 10000})
      : Bench(std::move(scripts), window) {
    host.interval_zero = true;
  }
  // The clock opens the next epoch; all before it is through if `probe` says so.
  void open(std::uint64_t epoch, std::uint64_t probe) {
    host.opened_epoch = Epoch(epoch);
    host.probe = Epoch(probe);
  }
};

TEST(SourceStepAtIntervalZero, PollsOnceInAnEpochAndOnlyWhenAllBeforeIsThrough) {
  EachPoll bench({{gives({1}), gives({2}), gives({3})}});
  EXPECT_THAT(bench.turn(), ElementsAre("1:[1]"));
  EXPECT_THAT(bench.host.active, ElementsAre(1u));
  EXPECT_THAT(bench.turn(), IsEmpty());
  EXPECT_FALSE(bench.again);
  EXPECT_EQ(bench.step.next_wake(), std::nullopt);
  bench.open(2, 1);
  EXPECT_THAT(bench.turn(), ElementsAre("F2"));
  EXPECT_THAT(bench.turn(), IsEmpty());
  bench.open(2, 2);
  EXPECT_THAT(bench.turn(), ElementsAre("2:[2]"));
  EXPECT_EQ(bench.polls(), 2u);
}

TEST(SourceStepAtIntervalZero, ARoundOfAllPartsIsOneEpoch) {
  EachPoll bench({{gives({1}), gives({2})}, {gives({10}), gives({20})}});
  EXPECT_THAT(bench.turn(), ElementsAre("1:[1]", "1:[10]"));
  bench.open(2, 2);
  EXPECT_THAT(bench.turn(), ElementsAre("F2", "2:[2]", "2:[20]"));
}

TEST(SourceStepAtIntervalZero, AnEmptyPollIsAnEpochToo) {
  EachPoll bench({{has_nothing(), gives({1})}});
  bench.turn();
  EXPECT_THAT(bench.host.active, ElementsAre(1u));
}

// Without the report the epoch would never close, and the other part never be polled again.
TEST(SourceStepAtIntervalZero, APartThatEndsIsWorkOfItsEpoch) {
  EachPoll bench({{gives({1}), test::ends()}, {sleeps(1h), gives({10})}});
  bench.turn();
  bench.open(2, 2);
  bench.host.active.clear();
  bench.turn();
  EXPECT_EQ(bench.closes(), 1u);
  EXPECT_THAT(bench.host.active, ElementsAre(2u));
}

TEST(SourceStepAtIntervalZero, ASourceThatIsDuePollsBeforeItsEpochCloses) {
  EachPoll bench({{gives({1}), gives({2})}});
  bench.open(2, 1);  // another source was first, before this one had its turn
  EXPECT_THAT(bench.turn(), ElementsAre("1:[1]", "F2"));
  EXPECT_THAT(bench.turn(), IsEmpty());
}

TEST(SourceStepAtIntervalZero, ASleepingSourceClosesItsEpochUnpolled) {
  EachPoll bench({{gives({1}, 1h), gives({2})}});
  bench.turn();
  bench.open(2, 2);
  bench.turn();
  bench.open(3, 2);
  EXPECT_THAT(bench.turn(), ElementsAre("F3"));
  EXPECT_EQ(bench.polls(), 1u);
}

TEST(SourceStepAtIntervalZero, AStopClosesWithoutAPoll) {
  EachPoll bench({{gives({1}), gives({2})}});
  bench.open(2, 1);
  bench.host.stop = true;
  EXPECT_THAT(bench.turn(), ElementsAre("F2", "Stopped2"));
  EXPECT_EQ(bench.polls(), 0u);
}

}  // namespace
}  // namespace cppwax::operators
