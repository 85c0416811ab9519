#include "engine/operators/probe.hpp"

#include <gmock/gmock.h>

#include "support/step_bench.hpp"

namespace cppwax::operators {
namespace {

using test::Feed;

TEST(ProbeStep, IsAtTheLeastOfAllLastStepsOfAllWorkers) {
  Feed left(2);
  Feed right(2);
  ProbeStep probe({left.receiver(), right.receiver()}, kFirstEpoch);
  EXPECT_TRUE(probe.passed(Epoch(1)));
  EXPECT_FALSE(probe.passed(Epoch(2)));
  left.frontier(2, 0);
  left.frontier(3, 1);
  right.frontier(2, 0);
  EXPECT_EQ(probe.activate(), Activity::kWaits);
  EXPECT_FALSE(probe.passed(Epoch(2)));
  right.frontier(4, 1);
  probe.activate();
  EXPECT_TRUE(probe.passed(Epoch(2)));
  EXPECT_FALSE(probe.passed(Epoch(3)));
  EXPECT_EQ(probe.epoch(), Epoch(2));
}

TEST(ProbeStep, OneThatHasEndedHoldsNothingBack) {
  Feed feed(2);
  ProbeStep probe({feed.receiver()}, kFirstEpoch);
  feed.eof(1, 0);
  feed.frontier(5, 1);
  probe.activate();
  EXPECT_TRUE(probe.passed(Epoch(5)));
  EXPECT_FALSE(probe.done());
}

TEST(ProbeStep, KnowsHowTheFlowEnded) {
  Feed feed(2);
  ProbeStep probe({feed.receiver()}, kFirstEpoch);
  feed.eof(1, 0);
  probe.activate();
  EXPECT_FALSE(probe.ended());
  feed.stopped(3, 1);
  probe.activate();
  ASSERT_TRUE(probe.done());
  EXPECT_EQ(probe.ended()->kind, data::EndKind::kStopped);
  EXPECT_EQ(probe.ended()->epoch, Epoch(3));
  EXPECT_TRUE(probe.passed(Epoch(1000))) << "everything is through";
}

}  // namespace
}  // namespace cppwax::operators
