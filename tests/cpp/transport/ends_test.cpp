// Failures, acknowledgements and leaving, without sockets (docs/progress_and_snapshots.md P17-P20).
#include <gmock/gmock.h>

#include "engine/transport/failure_round.hpp"
#include "engine/transport/leaving.hpp"
#include "support/fake_clock.hpp"

namespace cppwax::transport {
namespace {

using namespace std::chrono_literals;

Failure failure(std::uint32_t process, std::uint64_t epoch,
                FailureKind kind = FailureKind::kFailed) {
  return {kind, "E", "m", "", "", WorkerIndex(process), ProcessIndex(process), Epoch(epoch)};
}

class FailureRoundTest : public testing::Test {
 protected:
  SteadyTime now() const { return clock_.steady(); }
  bool settled() const { return round_.settled(now()); }

  test::FakeClock clock_;
  FailureRound round_{ProcessIndex(1), 3, 1s};
};

TEST_F(FailureRoundTest, WaitsForAllAcknowledgements) {
  EXPECT_FALSE(round_.begun());
  EXPECT_TRUE(round_.report(failure(1, 5), now()));
  EXPECT_FALSE(settled());
  round_.on_ack(ProcessIndex(0));
  EXPECT_FALSE(settled());
  round_.on_ack(ProcessIndex(2));
  EXPECT_TRUE(settled());
  EXPECT_EQ(round_.outcome().first, failure(1, 5));
  EXPECT_EQ(round_.outcome().others, 0u);
}

TEST_F(FailureRoundTest, NotLongerThanTheWait) {
  round_.on_failure(failure(2, 5), now());
  clock_.advance(999ms);
  EXPECT_FALSE(settled());
  clock_.advance(1ms);
  EXPECT_TRUE(settled());
}

TEST_F(FailureRoundTest, AClosedPeerIsNotWaitedFor) {
  round_.on_closed(ProcessIndex(0));
  EXPECT_TRUE(round_.on_failure(failure(2, 5), now()));
  round_.on_ack(ProcessIndex(2));
  EXPECT_TRUE(settled());
}

TEST_F(FailureRoundTest, TellsNothingAfterItsAcknowledgement) {
  EXPECT_TRUE(round_.on_failure(failure(2, 5), now()));
  EXPECT_FALSE(round_.report(failure(1, 1), now()));
  EXPECT_EQ(round_.outcome().first, failure(2, 5));
}

TEST_F(FailureRoundTest, ShowsTheLowestAndCountsTheOthers) {
  EXPECT_TRUE(round_.report(failure(1, 5), now()));
  EXPECT_FALSE(round_.on_failure(failure(2, 4), now()));
  EXPECT_FALSE(round_.on_failure(failure(0, 4), now()));
  EXPECT_FALSE(round_.on_failure(failure(0, 1), now()));  // a second of one process
  EXPECT_EQ(round_.outcome().first, failure(0, 4));
  EXPECT_EQ(round_.outcome().others, 2u);
}

TEST_F(FailureRoundTest, RanksFailuresBeforeLossesBeforeAborts) {
  round_.report(failure(1, 1, FailureKind::kAborted), now());
  EXPECT_EQ(round_.outcome().first.kind, FailureKind::kAborted);
  EXPECT_EQ(round_.outcome().others, 0u);
  round_.on_failure(failure(0, 2, FailureKind::kLost), now());
  EXPECT_EQ(round_.outcome().first.kind, FailureKind::kLost);
  EXPECT_EQ(round_.outcome().others, 0u);
  round_.on_failure(failure(2, 9), now());
  EXPECT_EQ(round_.outcome().first, failure(2, 9));
  EXPECT_EQ(round_.outcome().others, 1u);
}

// Every order in which two failures and the acknowledgements can meet gives the same first one.
TEST(FailureRounds, AgreeOnTheFirst) {
  for (const bool zero_first : {true, false}) {
    test::FakeClock clock;
    FailureRound zero(ProcessIndex(0), 2, 1s);
    FailureRound one(ProcessIndex(1), 2, 1s);
    FailureRound& first = zero_first ? zero : one;
    FailureRound& second = zero_first ? one : zero;
    const Failure of_first = failure(zero_first ? 0 : 1, 7);
    const Failure of_second = failure(zero_first ? 1 : 0, 3);
    ASSERT_TRUE(first.report(of_first, clock.steady()));
    ASSERT_TRUE(second.report(of_second, clock.steady()));
    second.on_failure(of_first, clock.steady());
    first.on_failure(of_second, clock.steady());
    EXPECT_EQ(zero.outcome().first, one.outcome().first);
    EXPECT_EQ(zero.outcome().first, of_second);
  }
}

TEST(Leaving, IsOverWhenAllAreDone) {
  Leaving leaving(ProcessIndex(0), 3);
  leaving.on_done(ProcessIndex(1));
  leaving.leave();
  EXPECT_FALSE(leaving.over());
  leaving.on_done(ProcessIndex(2));
  EXPECT_TRUE(leaving.over());
}

TEST(Leaving, NotBeforeItHasSaidSo) {
  Leaving leaving(ProcessIndex(1), 2);
  leaving.on_done(ProcessIndex(0));
  EXPECT_FALSE(leaving.over());
  leaving.leave();
  EXPECT_TRUE(leaving.over());
}

// The one that failed was killed before it had told this process too: that one is lost.
TEST(Leaving, AnAcknowledgementOfAnUnknownFailureIsAReasonToClose) {
  Leaving leaving(ProcessIndex(0), 3);
  leaving.on_ack(ProcessIndex(1));
  EXPECT_EQ(leaving.on_closed(ProcessIndex(1)), Leaving::Close::kLeft);
  EXPECT_EQ(leaving.on_closed(ProcessIndex(2)), Leaving::Close::kLost);
  leaving.leave();
  EXPECT_FALSE(leaving.over());
}

TEST(Leaving, TellsALossFromAGoodbye) {
  Leaving leaving(ProcessIndex(0), 3);
  leaving.on_done(ProcessIndex(1));
  EXPECT_EQ(leaving.on_closed(ProcessIndex(1)), Leaving::Close::kLeft);
  EXPECT_EQ(leaving.on_closed(ProcessIndex(2)), Leaving::Close::kLost);
  leaving.note_stop();
  EXPECT_EQ(leaving.on_closed(ProcessIndex(1)), Leaving::Close::kLeft);
  EXPECT_EQ(leaving.on_closed(ProcessIndex(2)), Leaving::Close::kAbandoned);
}

}  // namespace
}  // namespace cppwax::transport
