#include "engine/channel/receiver.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "engine/base/error.hpp"
#include "support/int_payload.hpp"
#include "support/memory_endpoints.hpp"

namespace cppwax::channel {
namespace {

using data::Batch;
using data::End;
using data::EndKind;
using data::FrontierAdvance;
using test::Refunded;
using testing::ElementsAre;
using testing::IsEmpty;

class ReceiverTest : public testing::Test {
 protected:
  static constexpr std::size_t kSenders = 3;

  static std::vector<std::unique_ptr<Refund>> log_refunds(
      std::vector<std::vector<Refunded>>& logs) {
    std::vector<std::unique_ptr<Refund>> refunds;
    for (auto& log : logs) refunds.push_back(std::make_unique<test::LogRefund>(log));
    return refunds;
  }

  // Takes everything: "0:frontier 3" and the like.
  std::vector<std::string> drain() {
    std::vector<std::string> seen;
    while (auto envelope = receiver_.take()) {
      std::ostringstream out;
      out << envelope->sender << ':';
      if (const auto* batch = std::get_if<Batch>(&envelope->message)) {
        out << "batch " << batch->epoch;
      } else if (const auto* frontier = std::get_if<FrontierAdvance>(&envelope->message)) {
        out << "frontier " << frontier->epoch;
      } else {
        out << "end " << std::get<End>(envelope->message).epoch;
      }
      seen.push_back(out.str());
    }
    return seen;
  }

  static Batch batch(std::uint64_t epoch) { return {Epoch(epoch), test::ints({1})}; }
  static FrontierAdvance frontier(std::uint64_t epoch) { return {Epoch(epoch)}; }

  std::vector<std::vector<Refunded>> refunded_{kSenders};
  test::CountingWaker waker_;
  Receiver receiver_{log_refunds(refunded_), waker_};
};

TEST_F(ReceiverTest, GivesMessagesInTheOrderOfArrival) {
  EXPECT_TRUE(receiver_.empty());
  EXPECT_FALSE(receiver_.take());
  receiver_.deliver(2, batch(1));
  receiver_.deliver(0, batch(2));
  receiver_.deliver(2, frontier(2));
  receiver_.deliver(2, End{EndKind::kEof, Epoch(2)});
  EXPECT_FALSE(receiver_.empty());
  EXPECT_THAT(drain(), ElementsAre("2:batch 1", "0:batch 2", "2:frontier 2", "2:end 2"));
  EXPECT_TRUE(receiver_.empty());
}

TEST_F(ReceiverTest, EveryMessageWakesTheStep) {
  receiver_.deliver(0, batch(1));
  EXPECT_EQ(waker_.take(), 1);
  receiver_.deliver(0, frontier(2));
  EXPECT_EQ(waker_.take(), 1);
  receiver_.deliver(0, frontier(3));
  EXPECT_EQ(waker_.take(), 1) << "a frontier that replaces another is news too";
  receiver_.deliver(0, End{EndKind::kStopped, Epoch(3)});
  EXPECT_EQ(waker_.take(), 1);
}

TEST_F(ReceiverTest, ANewerFrontierReplacesTheLastMessage) {
  receiver_.deliver(1, frontier(2));
  receiver_.deliver(1, frontier(3));
  receiver_.deliver(1, frontier(5));
  EXPECT_THAT(drain(), ElementsAre("1:frontier 5"));
  receiver_.deliver(1, frontier(6));
  EXPECT_THAT(drain(), ElementsAre("1:frontier 6")) << "one that was taken is not there any more";
}

TEST_F(ReceiverTest, AFrontierDoesNotOvertakeABatch) {
  receiver_.deliver(1, frontier(2));
  receiver_.deliver(1, batch(2));
  receiver_.deliver(1, frontier(3));
  EXPECT_THAT(drain(), ElementsAre("1:frontier 2", "1:batch 2", "1:frontier 3"));
}

TEST_F(ReceiverTest, AFrontierDoesNotReplaceThatOfAnotherSender) {
  receiver_.deliver(0, frontier(2));
  receiver_.deliver(1, frontier(3));
  receiver_.deliver(0, frontier(4));
  EXPECT_THAT(drain(), ElementsAre("0:frontier 2", "1:frontier 3", "0:frontier 4"));
}

TEST_F(ReceiverTest, NothingReplacesAnEndOrABatch) {
  receiver_.deliver(0, batch(1));
  receiver_.deliver(0, batch(1));
  receiver_.deliver(0, End{EndKind::kEof, Epoch(1)});
  receiver_.deliver(1, End{EndKind::kEof, Epoch(1)});
  EXPECT_EQ(drain().size(), 4u);
}

TEST_F(ReceiverTest, PaysEachSenderOnceForAllItsBatchesOfAnEpoch) {
  receiver_.owe(0, Epoch(1), {2, 20});
  receiver_.owe(2, Epoch(1), {5, 50});
  receiver_.owe(0, Epoch(2), {1, 10});
  receiver_.owe(0, Epoch(1), {3, 30});
  EXPECT_THAT(refunded_[0], IsEmpty()) << "nothing goes back before it is paid";
  receiver_.pay();
  EXPECT_THAT(refunded_[0], ElementsAre(Refunded{Epoch(1), {5, 50}}, Refunded{Epoch(2), {1, 10}}));
  EXPECT_THAT(refunded_[1], IsEmpty());
  EXPECT_THAT(refunded_[2], ElementsAre(Refunded{Epoch(1), {5, 50}}));
}

TEST_F(ReceiverTest, PaysADebtOnce) {
  receiver_.owe(1, Epoch(1), {1, 8});
  receiver_.pay();
  receiver_.pay();
  EXPECT_EQ(refunded_[1].size(), 1u);
}

TEST_F(ReceiverTest, OwingNothingIsNoDebt) {
  receiver_.owe(1, Epoch(1), {});
  receiver_.pay();
  EXPECT_THAT(refunded_[1], IsEmpty());
}

TEST_F(ReceiverTest, RefusesASenderItDoesNotHave) {
  EXPECT_EQ(receiver_.sender_count(), kSenders);
  EXPECT_THROW(receiver_.deliver(kSenders, frontier(1)), InvariantError);
  EXPECT_THROW(receiver_.owe(kSenders, Epoch(1), {1, 1}), InvariantError);
}

}  // namespace
}  // namespace cppwax::channel
