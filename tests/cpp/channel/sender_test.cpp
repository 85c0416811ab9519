#include "engine/channel/sender.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/channel/receiver.hpp"
#include "support/int_payload.hpp"
#include "support/memory_endpoints.hpp"

namespace cppwax::channel {
namespace {

using data::Batch;
using data::End;
using data::EndKind;
using data::FrontierAdvance;
using test::counting;
using test::Ints;
using test::ints;
using test::Messages;
using test::values_of;

constexpr Amount kWindow{10, 800};  // bytes for a hundred integers

// Item v goes to worker v % count; an item below zero cannot be routed.
class RemainderRouter final : public Router {
 public:
  void split(data::PayloadPtr batch, std::vector<data::PayloadPtr>& parts) override {
    std::vector<Ints> values(parts.size());
    for (const std::int64_t value : values_of(batch)) {
      if (value < 0) throw UserCodeError("routing an item", nullptr);
      const auto part = static_cast<std::size_t>(value) % parts.size();
      values[part].push_back(value);
      parts[part] = ints(values[part]);
    }
  }
};

class SenderTest : public testing::Test {
 protected:
  Sender make(std::size_t receivers, bool two_windows = false) {
    logs_.resize(receivers);
    std::vector<std::unique_ptr<Push>> pushes;
    for (Messages& log : logs_) pushes.push_back(std::make_unique<test::LogPush>(log));
    return Sender(std::move(pushes), kWindow, two_windows, waker_);
  }

  Ints batch(std::size_t receiver, std::size_t place) const {
    return values_of(std::get<Batch>(logs_.at(receiver).at(place)).payload);
  }
  Epoch frontier(std::size_t receiver, std::size_t place) const {
    return std::get<FrontierAdvance>(logs_.at(receiver).at(place)).epoch;
  }

  std::vector<Messages> logs_;
  test::CountingWaker waker_;
};

TEST_F(SenderTest, GivesAnOnlyReceiverTheWholeBatch) {
  Sender sender = make(1);
  sender.send(Epoch(2), ints({1, 2, 3}));
  ASSERT_EQ(logs_[0].size(), 1u);
  EXPECT_EQ(std::get<Batch>(logs_[0][0]).epoch, Epoch(2));
  EXPECT_EQ(batch(0, 0), (Ints{1, 2, 3}));
  EXPECT_EQ(std::get<Batch>(logs_[0][0]).amount, (Amount{3, 24}));
  EXPECT_EQ(sender.room(Epoch(2)), 7);
}

TEST_F(SenderTest, GivesEachReceiverItsPart) {
  Sender sender = make(3);
  sender.route_by(std::make_unique<RemainderRouter>());
  sender.send(Epoch(1), ints({3, 1, 0, 4}));
  EXPECT_EQ(batch(0, 0), (Ints{3, 0}));
  EXPECT_EQ(batch(1, 0), (Ints{1, 4}));
  EXPECT_TRUE(logs_[2].empty()) << "who gets no item gets no batch";
  sender.send(Epoch(1), ints({2}));
  EXPECT_EQ(batch(2, 0), Ints{2});
  EXPECT_EQ(logs_[0].size(), 1u) << "a batch must not come again with the next one";
}

TEST_F(SenderTest, NoItemsAreNoMessage) {
  Sender sender = make(1);
  sender.send(Epoch(1), ints({}));
  sender.send(Epoch(1), nullptr);
  EXPECT_TRUE(logs_[0].empty());
  EXPECT_EQ(sender.room(Epoch(1)), kWindow.items);
}

TEST_F(SenderTest, AFailedRouteSendsNothing) {
  Sender sender = make(2);
  sender.route_by(std::make_unique<RemainderRouter>());
  EXPECT_THROW(sender.send(Epoch(1), ints({1, -1})), UserCodeError);
  EXPECT_TRUE(logs_[1].empty());
  sender.send(Epoch(1), ints({2}));
  EXPECT_EQ(batch(0, 0), Ints{2});
  EXPECT_TRUE(logs_[1].empty()) << "parts of the failed batch";
}

TEST_F(SenderTest, TellsEveryReceiverAFrontierOnceAndAfterTheBatches) {
  Sender sender = make(2);
  sender.route_by(std::make_unique<RemainderRouter>());
  sender.send(Epoch(1), ints({0}));
  sender.advance(Epoch(2));
  sender.advance(Epoch(2));
  sender.advance(Epoch(4));
  ASSERT_EQ(logs_[0].size(), 3u);
  EXPECT_EQ(batch(0, 0), Ints{0});
  EXPECT_EQ(frontier(0, 1), Epoch(2));
  EXPECT_EQ(frontier(0, 2), Epoch(4));
  ASSERT_EQ(logs_[1].size(), 2u);
  EXPECT_EQ(frontier(1, 0), Epoch(2));
}

TEST_F(SenderTest, TellsEveryReceiverTheEnd) {
  Sender sender = make(2);
  sender.end({EndKind::kStopped, Epoch(3)});
  for (const Messages& log : logs_) {
    ASSERT_EQ(log.size(), 1u);
    EXPECT_EQ(std::get<End>(log[0]).kind, EndKind::kStopped);
    EXPECT_EQ(std::get<End>(log[0]).epoch, Epoch(3));
  }
}

TEST_F(SenderTest, RefusesWhatAFrontierOrTheEndRuledOut) {
  Sender sender = make(1);
  sender.advance(Epoch(3));
  EXPECT_THROW(sender.advance(Epoch(2)), InvariantError);
  EXPECT_THROW(sender.send(Epoch(2), ints({1})), InvariantError);
  EXPECT_THROW(sender.end({EndKind::kEof, Epoch(2)}), InvariantError);
  sender.end({EndKind::kEof, Epoch(3)});
  EXPECT_THROW(sender.advance(Epoch(4)), InvariantError);
  EXPECT_THROW(sender.send(Epoch(4), ints({1})), InvariantError);
  EXPECT_THROW(sender.end({EndKind::kEof, Epoch(4)}), InvariantError);
  EXPECT_EQ(logs_[0].size(), 2u) << "only the frontier and the end";
}

TEST_F(SenderTest, RefusesItemsForManyWithoutARouter) {
  Sender sender = make(2);
  sender.advance(Epoch(1));
  EXPECT_THROW(sender.send(Epoch(1), ints({1})), InvariantError);
}

TEST_F(SenderTest, RefusesToBeWithoutAReceiver) {
  EXPECT_THROW(make(0), InvariantError);
}

TEST_F(SenderTest, IsAsOpenAsTheLeastOfItsReceivers) {
  Sender sender = make(2);
  sender.route_by(std::make_unique<RemainderRouter>());
  sender.send(Epoch(1), ints({0, 2, 4, 1}));
  EXPECT_EQ(sender.room(Epoch(1)), 7);
  sender.send(Epoch(1), ints({0, 2, 4, 6, 8, 10, 12, 14, 16}));
  EXPECT_FALSE(sender.open(Epoch(1)));
  EXPECT_EQ(sender.room(Epoch(1)), 0);
}

TEST_F(SenderTest, KeepsAWindowForEachOfTwoEpochs) {
  Sender sender = make(1, true);
  sender.send(Epoch(1), ints(counting(10)));
  EXPECT_FALSE(sender.open(Epoch(1)));
  EXPECT_EQ(sender.room(Epoch(2)), kWindow.items);
}

TEST_F(SenderTest, FrontiersAndEndsNeedNoCredit) {
  Sender sender = make(1);
  sender.send(Epoch(1), ints(counting(30)));
  ASSERT_FALSE(sender.open(Epoch(1)));
  sender.advance(Epoch(2));
  sender.end({EndKind::kEof, Epoch(2)});
  EXPECT_EQ(logs_[0].size(), 3u);
}

TEST_F(SenderTest, WakesItsStepWhenAWindowOpensAgain) {
  Sender sender = make(1);
  sender.send(Epoch(1), ints(counting(12)));
  EXPECT_EQ(waker_.take(), 0);
  sender.restore(0, Epoch(1), {2, 16});
  EXPECT_EQ(waker_.take(), 0) << "the window is at zero: nothing to do yet";
  sender.restore(0, Epoch(1), {3, 24});
  EXPECT_EQ(waker_.take(), 1);
  EXPECT_EQ(sender.room(Epoch(1)), 3);
}

TEST_F(SenderTest, RefusesCreditThatWasNotSpent) {
  Sender sender = make(2);
  sender.route_by(std::make_unique<RemainderRouter>());
  sender.send(Epoch(1), ints({0}));
  EXPECT_THROW(sender.restore(1, Epoch(1), {1, 8}), InvariantError);
  EXPECT_THROW(sender.restore(2, Epoch(1), {1, 8}), InvariantError);
  sender.restore(0, Epoch(1), {1, 8});
}

// A sender and its only receiver, joined in memory. The sender obeys its credit.
class Pair {
 public:
  Pair() {
    sender_end_ = &sender_;
    receiver_end_ = &receiver_;
  }

  void send(std::size_t count) {
    if (!sender_.open(epoch_)) return;
    sender_.send(epoch_, ints(counting(count, sent_)));
    sent_ += static_cast<std::int64_t>(count);
  }
  void advance() {
    epoch_ = epoch_.next();
    sender_.advance(epoch_);
  }
  void take_one() {
    const auto envelope = receiver_.take();
    const auto* batch = envelope ? std::get_if<Batch>(&envelope->message) : nullptr;
    if (batch == nullptr) return;
    EXPECT_EQ(values_of(batch->payload), counting(batch->payload->size(), taken_));
    taken_ += batch->amount.items;
    receiver_.owe(0, batch->epoch, batch->amount);
  }
  // Whether the sending step is woken exactly if it had to wait and need not any more.
  void pay() {
    const bool waited = !open();
    receiver_.pay();
    EXPECT_EQ(sending_.take(), waited && open() ? 1 : 0);
  }
  void finish() {
    while (!receiver_.empty()) take_one();
    pay();
  }

  bool open() const { return sender_.open(epoch_); }
  std::int64_t room() const { return sender_.room(epoch_); }
  std::int64_t in_flight() const { return sent_ - taken_; }

 private:
  static std::vector<std::unique_ptr<Push>> one(std::unique_ptr<Push> push) {
    std::vector<std::unique_ptr<Push>> list;
    list.push_back(std::move(push));
    return list;
  }
  static std::vector<std::unique_ptr<Refund>> one(std::unique_ptr<Refund> refund) {
    std::vector<std::unique_ptr<Refund>> list;
    list.push_back(std::move(refund));
    return list;
  }

  test::CountingWaker sending_;
  test::CountingWaker receiving_;
  Sender* sender_end_ = nullptr;
  Receiver* receiver_end_ = nullptr;
  Sender sender_{one(std::make_unique<test::MemoryPush>(receiver_end_, 0)), kWindow, false,
                 sending_};
  Receiver receiver_{one(std::make_unique<test::MemoryRefund>(sender_end_, 0)), receiving_};
  Epoch epoch_{1};
  std::int64_t sent_ = 0;
  std::int64_t taken_ = 0;
};

class SenderAndReceiver : public testing::TestWithParam<unsigned> {};

// Whatever the order of their steps: everything comes in order, the queue stays within the window
// and one batch, and in the end all credit is back.
TEST_P(SenderAndReceiver, AreBoundedInOrderAndConserveCredit) {
  constexpr std::int64_t kGreatestBatch = 7;
  std::mt19937 random(GetParam());
  Pair pair;
  bool was_closed = false;
  for (int i = 0; i < 2'000; ++i) {
    switch (random() % 8) {
      case 0:
        pair.advance();
        break;
      case 1:
        pair.pay();
        break;
      case 2:
      case 3:
        pair.take_one();
        break;
      default:
        pair.send(1 + random() % kGreatestBatch);
    }
    ASSERT_LE(pair.in_flight(), kWindow.items - 1 + kGreatestBatch);
    was_closed = was_closed || !pair.open();
  }
  EXPECT_TRUE(was_closed);
  pair.finish();
  EXPECT_EQ(pair.in_flight(), 0);
  EXPECT_EQ(pair.room(), kWindow.items);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SenderAndReceiver, testing::Range(0u, 20u));

}  // namespace
}  // namespace cppwax::channel
