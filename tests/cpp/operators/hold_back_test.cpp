// With recovery, what a step does with an epoch ends in a snapshot before the next one begins
// (docs/progress_and_snapshots.md P7, P8).
#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/operators/inner_step.hpp"
#include "support/source_bench.hpp"
#include "support/step_bench.hpp"

namespace cppwax::operators {
namespace {

using test::Drain;
using test::Feed;
using test::gives;
using test::ints;
using testing::ElementsAre;
using testing::IsEmpty;

// Passes batches on, and stores how many items it has seen.
class CountingStep final : public InnerStep, private Storable {
 public:
  using InnerStep::InnerStep;

 protected:
  std::unique_ptr<Job> start(Epoch, data::PayloadPtr batch, Emitter& out) override {
    count_ += batch->size();
    changed_ = true;
    out.emit(std::move(batch));
    return nullptr;
  }
  std::unique_ptr<Job> start_eof() override {
    changed_ = true;
    count_ = 0;
    return nullptr;
  }
  Storable* storable() override { return this; }

 private:
  recovery::Entries take_changes(std::size_t) override {
    if (!std::exchange(changed_, false)) return {};
    return {{"count", std::to_string(count_)}};
  }
  void restore(recovery::Entries) override {}

  std::size_t count_ = 0;
  bool changed_ = false;
};

struct Bench {
  explicit Bench(bool recovery = true, channel::Amount window = {100, 10000})
      : down(window, true),
        step({"step", {feed.receiver()}, outputs_to({&down}, {}, recovery ? &stored : nullptr)},
             host, kFirstEpoch) {}

  std::vector<std::string> turn() {
    again = step.activate() == Activity::kAgain;
    return down.take();
  }
  std::vector<std::string> turns() {
    std::vector<std::string> all;
    do {
      for (const std::string& text : turn()) all.push_back(text);
    } while (again);
    return all;
  }

  test::FakeHost host;
  Feed feed{2};
  Drain down;
  Drain stored{channel::kDefaultWindow, true};
  CountingStep step;
  bool again = false;
};

TEST(HoldBack, EarlyItemsWaitForTheSnapshotOfTheEpochBefore) {
  Bench bench;
  bench.feed.frontier(2, 0);
  bench.feed.batch(2, {20, 21}, 0);
  bench.feed.batch(1, {10}, 1);
  EXPECT_THAT(bench.turns(), ElementsAre("1:[10]"));
  EXPECT_FALSE(bench.again) << "what is held back gives nothing to do";
  EXPECT_EQ(bench.feed.repaid(0), 0) << "and keeps its credit";
  EXPECT_THAT(bench.stored.take_entries(), IsEmpty());
  bench.feed.frontier(2, 1);
  EXPECT_THAT(bench.turns(), ElementsAre("F2", "2:[20 21]"));
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("step count=1", "F2"));
  EXPECT_EQ(bench.feed.repaid(0), 2);
}

TEST(HoldBack, WithoutRecoveryNothingWaits) {
  Bench bench(false);
  bench.feed.frontier(2, 0);
  bench.feed.batch(2, {20}, 0);
  EXPECT_THAT(bench.turns(), ElementsAre("2:[20]"));
}

TEST(HoldBack, AnEpochWithoutChangesStoresNothing) {
  Bench bench;
  bench.feed.frontier(2, 0);
  bench.feed.frontier(2, 1);
  bench.turns();
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("F2"));
}

TEST(HoldBack, TheStateAfterTheEndOfDataIsStored) {
  Bench bench;
  bench.feed.batch(1, {10}, 0);
  bench.feed.eof(1, 0);
  bench.feed.eof(1, 1);
  EXPECT_THAT(bench.turns(), ElementsAre("1:[10]", "Eof1"));
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("step count=0", "Eof1"));
}

TEST(HoldBack, AStopStoresTheStateAsItIs) {
  Bench bench;
  bench.feed.batch(1, {10}, 0);
  bench.feed.eof(1, 0);
  bench.feed.stopped(2, 1);
  EXPECT_THAT(bench.turns(), ElementsAre("1:[10]", "F2", "Stopped2"));
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("step count=1", "F2", "Stopped2"));
}

TEST(HoldBack, SnapshotsAreAChannelBelow) {
  Bench bench;
  bench.stored.sender()->send(Epoch(1), std::make_unique<recovery::StepEntries>(
                                            "other", recovery::Entries(70'000, {"k", "s"})));
  bench.feed.batch(1, {10}, 0);
  EXPECT_THAT(bench.turns(), IsEmpty()) << "it may not work before the store has taken those";
  bench.stored.take_entries();
  bench.stored.repay(Epoch(1));
  EXPECT_THAT(bench.turns(), ElementsAre("1:[10]"));
}

TEST(SourcePositions, AreOfTheEpochInWhichItemsWentOut) {
  test::SourceBench bench({{gives({1}), gives({2}), gives({3})}}, {100, 10000}, {}, true);
  bench.turn();
  bench.turn();
  bench.host.opened_epoch = Epoch(2);
  EXPECT_THAT(bench.turn(), ElementsAre("F2", "2:[3]"));
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("in a=2", "F2"));
  EXPECT_THAT(bench.turn(), ElementsAre("Eof2"));
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("in a=3", "Eof2"));
}

TEST(SourcePositions, OfAPartThatWasNotPolledAreNotStoredAgain) {
  test::SourceBench bench({{gives({1}), test::sleeps(std::chrono::hours(1))}}, {100, 10000}, {},
                          true);
  bench.turn();
  bench.turn();
  bench.host.opened_epoch = Epoch(2);
  bench.turn();
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("in a=2", "F2"));
  bench.host.opened_epoch = Epoch(3);
  bench.turn();
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("F3"));
}

TEST(SourcePositions, AreStoredAtAStop) {
  test::SourceBench bench({{gives({1}), gives({2})}}, {100, 10000}, {}, true);
  bench.turn();
  bench.host.stop = true;
  EXPECT_THAT(bench.turn(), ElementsAre("Stopped1"));
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("in a=1", "Stopped1"));
}

TEST(SourcePositions, OfAPartThatEndedAreTakenBeforeItIsClosed) {
  test::SourceBench bench({{}, {gives({1}), gives({2})}}, {100, 10000}, {}, true);
  bench.turn();
  EXPECT_THAT(bench.record.calls_of("in"), testing::Contains("close @0"));
  bench.host.opened_epoch = Epoch(2);
  bench.turn();
  EXPECT_THAT(bench.stored.take_entries(), ElementsAre("in a=0", "in b=1", "F2"));
}

}  // namespace
}  // namespace cppwax::operators
