#include "engine/operators/inner_step.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "engine/base/error.hpp"
#include "support/step_bench.hpp"

namespace cppwax::operators {
namespace {

using namespace std::chrono_literals;
using test::Drain;
using test::Feed;
using test::Ints;
using test::ints;
using test::outputs_to;
using testing::ElementsAre;
using testing::IsEmpty;

// Emits its items one by one as far as there is room.
class OneByOne final : public Job {
 public:
  explicit OneByOne(Ints items) : items_(std::move(items)) {}
  Work run(Emitter& out) override {
    for (; at_ < items_.size(); ++at_) {
      if (out.room() == 0) return Work::kMore;
      out.emit(ints({items_[at_]}));
    }
    return Work::kDone;
  }

 private:
  Ints items_;
  std::size_t at_ = 0;
};

std::unique_ptr<Job> one_by_one(Ints items) {
  return std::make_unique<OneByOne>(std::move(items));
}

// Passes items on one by one; has due and end work that a test sets.
class BenchStep final : public InnerStep {
 public:
  using InnerStep::InnerStep;

  std::optional<WallTime> due;
  Ints due_items;
  std::optional<WallTime> due_again;
  Ints eof_items;
  std::vector<std::string> calls;

 protected:
  std::unique_ptr<Job> start(Epoch epoch, data::PayloadPtr batch, Emitter& out) override {
    calls.push_back("batch " + std::to_string(epoch.value()));
    auto job = one_by_one(test::values_of(batch));
    if (job->run(out) == Work::kDone) return nullptr;
    return job;
  }
  std::optional<WallTime> next_due() const override { return due; }
  std::unique_ptr<Job> start_due(WallTime) override {
    calls.push_back("due");
    due = due_again;
    return one_by_one(due_items);
  }
  std::unique_ptr<Job> start_eof() override {
    calls.push_back("eof");
    return one_by_one(eof_items);
  }
};

struct Bench {
  explicit Bench(std::size_t inputs = 1, channel::Amount window = {100, 10000})
      : feeds(inputs),
        down(window),
        step({"step", receivers(), outputs_to({&down})}, host, kFirstEpoch) {}

  std::vector<channel::Receiver*> receivers() {
    std::vector<channel::Receiver*> all;
    for (Feed& feed : feeds) all.push_back(feed.receiver());
    return all;
  }
  // Until there is nothing to do.
  std::vector<std::string> run() {
    while (step.activate() == Activity::kAgain) {
    }
    return down.take();
  }
  Feed& feed() { return feeds[0]; }

  test::FakeHost host;
  std::deque<Feed> feeds;
  Drain down;
  BenchStep step;
};

TEST(InnerStep, PassesFrontiersOnBehindTheirBatches) {
  Bench bench;
  bench.feed().batch(1, {1, 2});
  bench.feed().frontier(2);
  bench.feed().batch(2, {3});
  bench.feed().eof(2);
  EXPECT_THAT(bench.run(), ElementsAre("1:[1]", "1:[2]", "F2", "2:[3]", "Eof2"));
  EXPECT_TRUE(bench.step.done());
  EXPECT_EQ(bench.feed().repaid(), 3);
}

TEST(InnerStep, ItsFrontierIsTheLeastOfAllSenders) {
  Bench bench(2);
  bench.feeds[0].frontier(3);
  EXPECT_THAT(bench.run(), IsEmpty());
  EXPECT_EQ(bench.step.epoch(), Epoch(1));
  bench.feeds[1].frontier(2);
  EXPECT_THAT(bench.run(), ElementsAre("F2"));
  bench.feeds[1].eof(2);
  EXPECT_THAT(bench.run(), ElementsAre("F3"));
  EXPECT_EQ(bench.step.epoch(), Epoch(3));
}

TEST(InnerStep, KeepsItsFrontierAtWorkThatWaits) {
  Bench bench(1, {1, 1000});
  bench.feed().batch(1, {1, 2});
  bench.feed().frontier(2);
  EXPECT_THAT(bench.run(), ElementsAre("1:[1]"));
  EXPECT_EQ(bench.step.epoch(), Epoch(1));
  EXPECT_EQ(bench.feed().repaid(), 0) << "credit comes back once the whole batch is through";
  bench.down.repay();
  EXPECT_GT(bench.down.wakes(), 0);
  EXPECT_THAT(bench.run(), ElementsAre("1:[2]", "F2"));
  EXPECT_EQ(bench.feed().repaid(), 2);
}

TEST(InnerStep, KeepsItsFrontierAtABatchThatIsNotBegun) {
  Bench bench(1, {1, 1000});
  bench.feed().batch(1, {1});
  bench.feed().batch(1, {2});
  bench.feed().frontier(5);
  EXPECT_THAT(bench.run(), ElementsAre("1:[1]"));
  EXPECT_EQ(bench.step.activate(), Activity::kWaits) << "without credit it does not ask for a turn";
  bench.down.repay();
  EXPECT_THAT(bench.run(), ElementsAre("1:[2]", "F5"));
}

TEST(InnerStep, TakesTheLowestEpochFirst) {
  Bench bench(2);
  bench.feeds[0].frontier(2);
  bench.feeds[0].batch(2, {20});
  bench.feeds[0].batch(2, {21});
  bench.feeds[1].batch(1, {10});
  bench.feeds[1].batch(1, {11});
  EXPECT_THAT(bench.run(), ElementsAre("1:[10]", "1:[11]", "2:[20]", "2:[21]"));
}

TEST(InnerStep, AWaitingRestOfALaterEpochDoesNotBlockAnEarlierOne) {
  Bench bench(2, {1, 1000});
  bench.feeds[0].frontier(2);
  bench.feeds[0].batch(2, {20, 21});
  EXPECT_THAT(bench.run(), ElementsAre("2:[20]"));
  bench.feeds[1].batch(1, {10});
  bench.down.repay();
  EXPECT_THAT(bench.run(), ElementsAre("1:[10]"));
  bench.down.repay();
  EXPECT_THAT(bench.run(), ElementsAre("2:[21]"));
}

TEST(InnerStep, WorksOnNothingWithoutCreditForAllConsumers) {
  test::FakeHost host;
  Feed feed;
  Drain narrow({1, 1000});
  Drain wide;
  BenchStep step({"step", {feed.receiver()}, outputs_to({&narrow, &wide})}, host, kFirstEpoch);
  narrow.sender()->send(kFirstEpoch, ints({0}));
  feed.batch(1, {1});
  EXPECT_EQ(step.activate(), Activity::kWaits);
  EXPECT_THAT(step.calls, IsEmpty());
  narrow.take();
  narrow.repay();
  step.activate();
  EXPECT_THAT(narrow.take(), ElementsAre("1:[1]"));
}

TEST(InnerStep, CreditIsOfBytesToo) {
  Bench bench(1, {100, 16});
  bench.feed().batch(1, {1, 2, 3});
  EXPECT_THAT(bench.run(), ElementsAre("1:[1]", "1:[2]"));
}

TEST(InnerStep, AnActivationEmitsOneSlice) {
  Bench bench(1, {10 * kSliceItems, 1000 * kSliceBytes});
  bench.feed().batch(1, test::counting(kSliceItems + 10));
  EXPECT_EQ(bench.step.activate(), Activity::kAgain);
  EXPECT_EQ(bench.down.take().size(), static_cast<std::size_t>(kSliceItems));
  EXPECT_EQ(bench.step.activate(), Activity::kWaits);
  EXPECT_EQ(bench.down.take().size(), 10u);
}

TEST(InnerStep, DueWorkComesAfterTheBatchInWorkAndBeforeTheNext) {
  Bench bench(1, {1, 1000});
  bench.feed().batch(1, {1, 2});
  bench.feed().batch(1, {3});
  EXPECT_THAT(bench.run(), ElementsAre("1:[1]"));
  bench.step.due = bench.host.time.wall();
  bench.step.due_items = {100};
  std::vector<std::string> seen;
  for (int i = 0; i < 3; ++i) {
    bench.down.repay();
    for (const auto& text : bench.run()) seen.push_back(text);
  }
  EXPECT_THAT(seen, ElementsAre("1:[2]", "1:[100]", "1:[3]"));
  EXPECT_THAT(bench.step.calls, ElementsAre("batch 1", "due", "batch 1"));
}

TEST(InnerStep, ABatchAtHandGoesBeforeWhatIsDue) {
  Bench bench;
  bench.step.due = bench.host.time.wall();
  bench.step.due_items = {100};
  bench.feed().batch(1, {1});
  EXPECT_THAT(bench.run(), ElementsAre("1:[1]", "1:[100]"));
  EXPECT_THAT(bench.host.active, ElementsAre(1u)) << "due work is work of an epoch";
}

TEST(InnerStep, ATimeThatIsAskedForAgainAndAgainStopsNoBatch) {
  Bench bench;
  bench.step.due = bench.step.due_again = bench.host.time.wall();
  bench.feed().batch(1, {1});
  bench.feed().batch(1, {2});
  for (int i = 0; i < 6; ++i) bench.step.activate();
  EXPECT_THAT(bench.down.take(), ElementsAre("1:[1]", "1:[2]"));
}

TEST(InnerStep, WakesAtItsDueTime) {
  Bench bench;
  EXPECT_EQ(bench.step.next_wake(), std::nullopt);
  bench.step.due = bench.host.time.wall() + 1s;
  bench.step.due_items = {100};
  EXPECT_EQ(bench.step.next_wake(), bench.step.due);
  EXPECT_THAT(bench.run(), IsEmpty());
  bench.host.time.advance(1s);
  EXPECT_THAT(bench.run(), ElementsAre("1:[100]"));
}

TEST(InnerStep, DueWorkWaitsForCreditWithoutATimer) {
  Bench bench(1, {1, 1000});
  bench.feed().batch(1, {1});
  EXPECT_THAT(bench.run(), ElementsAre("1:[1]"));
  bench.step.due = bench.host.time.wall();
  bench.step.due_items = {100, 101};
  EXPECT_EQ(bench.step.next_wake(), std::nullopt);
  EXPECT_THAT(bench.run(), IsEmpty());
  bench.down.repay();
  EXPECT_THAT(bench.run(), ElementsAre("1:[100]"));
  bench.feed().frontier(2);
  EXPECT_THAT(bench.run(), IsEmpty()) << "the frontier stays at the due work in progress";
  bench.down.repay();
  EXPECT_THAT(bench.run(), ElementsAre("1:[101]", "F2"));
}

TEST(InnerStep, EndsInTheGreatestEpochOfItsInputs) {
  Bench bench(2);
  bench.step.eof_items = {7, 8};
  bench.feeds[0].frontier(5);
  bench.feeds[0].eof(5);
  bench.feeds[1].eof(2);
  EXPECT_THAT(bench.run(), ElementsAre("F5", "5:[7]", "5:[8]", "Eof5"));
  EXPECT_EQ(bench.step.epoch(), Epoch(5));
}

TEST(InnerStep, OneStoppedInputStopsIt) {
  Bench bench(2);
  bench.step.eof_items = {7};
  bench.step.due = bench.host.time.wall() + 1h;
  bench.feeds[0].stopped(2);
  bench.feeds[1].frontier(3);
  bench.feeds[1].batch(3, {30});
  bench.feeds[1].eof(3);
  EXPECT_THAT(bench.run(), ElementsAre("3:[30]", "F3", "Stopped3"));
  EXPECT_THAT(bench.step.calls, ElementsAre("batch 3"));
}

TEST(InnerStep, EndsOnlyWhenAllInputsHaveEndedAndAllWorkIsDone) {
  Bench bench(2, {1, 1000});
  bench.feeds[0].batch(1, {1, 2});
  bench.feeds[0].eof(1);
  EXPECT_THAT(bench.run(), ElementsAre("1:[1]"));
  bench.feeds[1].eof(1);
  EXPECT_THAT(bench.run(), IsEmpty());
  EXPECT_FALSE(bench.step.done());
  bench.down.repay();
  EXPECT_THAT(bench.run(), ElementsAre("1:[2]", "Eof1"));
}

TEST(InnerStep, WhatTheEndEmitsWaitsForNothing) {
  Bench bench(1, {1, 1000});
  bench.step.eof_items = {7, 8, 9};
  bench.feed().batch(1, {1});
  bench.feed().eof(1);
  EXPECT_THAT(bench.run(), ElementsAre("1:[1]", "1:[7]", "1:[8]", "1:[9]", "Eof1"));
}

TEST(InnerStep, KeysThatAreDueAtTheEndAreNotifiedAlsoWithoutCredit) {
  Bench bench(1, {1, 1000});
  bench.feed().batch(1, {1});
  EXPECT_THAT(bench.run(), ElementsAre("1:[1]"));
  bench.step.due = bench.host.time.wall();
  bench.step.due_items = {100};
  bench.feed().eof(1);
  EXPECT_THAT(bench.run(), ElementsAre("1:[100]", "Eof1"));
  EXPECT_THAT(bench.step.calls, ElementsAre("batch 1", "due", "eof"));
}

TEST(InnerStep, TimesThatAreNotYetDueAreDroppedAtTheEnd) {
  Bench bench;
  bench.step.due = bench.host.time.wall() + 1us;
  bench.feed().eof(1);
  EXPECT_THAT(bench.run(), ElementsAre("Eof1"));
  EXPECT_THAT(bench.step.calls, ElementsAre("eof"));
}

TEST(InnerStep, NamesTheEpochOfTheWorkThatFails) {
  class Failing final : public InnerStep {
   public:
    using InnerStep::InnerStep;

   protected:
    std::unique_ptr<Job> start(Epoch, data::PayloadPtr, Emitter&) override {
      throw UserCodeError("testing", nullptr);
    }
  };
  test::FakeHost host;
  Feed feed(2);
  Failing step({"step", {feed.receiver()}, outputs_to({})}, host, kFirstEpoch);
  feed.frontier(2, 0);
  feed.batch(2, {1}, 0);
  EXPECT_THROW(step.activate(), UserCodeError);
  EXPECT_EQ(step.epoch(), Epoch(2)) << "its frontier is still 1";
}

TEST(InnerStep, ABatchBehindItsOwnFrontierIsABug) {
  Bench bench;
  bench.feed().frontier(2);
  bench.feed().batch(1, {1});
  EXPECT_THROW(bench.step.activate(), InvariantError);
}

}  // namespace
}  // namespace cppwax::operators
