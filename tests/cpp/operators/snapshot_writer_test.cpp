#include "engine/operators/snapshot_writer.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/recovery/entry.hpp"
#include "support/memory_partition.hpp"
#include "support/step_bench.hpp"

namespace cppwax::operators {
namespace {

using test::Drain;
using test::Feed;
using testing::ElementsAre;
using testing::IsEmpty;

// One writer with all partitions, and snapshot streams that the test fills.
struct Bench {
  explicit Bench(std::size_t partitions = 1, std::uint64_t backup_epochs = 0)
      : stored(partitions), feeds(2) {
    store.executions = {recovery::Execution{}};
    store.backup_epochs = backup_epochs;
    for (test::StoredPartition& each : stored) {
      opened.push_back(std::make_unique<test::MemoryPartition>(each, 2, [] {}));
      opened.back()->begin(store.execution());
      store.primaries.push_back(WorkerIndex(0));
      store.own.push_back(opened.back().get());
    }
    step.emplace(std::vector{feeds[0].receiver(), feeds[1].receiver()}, *down.sender(), store);
  }

  void entries(std::size_t feed, std::uint64_t epoch, recovery::Entries list) {
    const channel::Amount amount{static_cast<std::int64_t>(list.size()), 1};
    feeds[feed].receiver()->deliver(
        0,
        data::Batch{Epoch(epoch), std::make_unique<recovery::StepEntries>("step", list), amount});
  }
  void frontiers(std::uint64_t epoch) {
    for (Feed& feed : feeds) feed.frontier(epoch);
  }
  // Does what was asked of all partitions.
  void act() {
    for (auto& each : opened) {
      while (each->has_work()) each->act();
    }
  }
  std::vector<std::string> turn() {
    step->activate();
    return down.take();
  }
  std::vector<std::string> turn_and_act() {
    std::vector<std::string> told = turn();
    act();
    for (const std::string& more : turn()) told.push_back(more);
    return told;
  }
  std::string state(const std::string& key, std::uint64_t epoch) {
    const auto part = recovery::partition_of("step", key, stored.size()).value();
    return stored[part].entries.at({"step", key}).at(Epoch(epoch)).value_or("gone");
  }

  std::vector<test::StoredPartition> stored;
  std::vector<std::unique_ptr<test::MemoryPartition>> opened;
  StoreAccess store;
  std::vector<Feed> feeds;
  Drain down;
  std::optional<SnapshotWriterStep> step;
};

TEST(SnapshotWriter, CommitsAnEpochWhenAllStreamsHavePassedIt) {
  Bench bench;
  bench.entries(0, 1, {{"a", "1"}});
  bench.feeds[0].frontier(2);
  EXPECT_THAT(bench.turn_and_act(), IsEmpty());
  EXPECT_EQ(bench.stored[0].history.durable, Epoch(0)) << "the other stream is still in 1";
  bench.feeds[1].frontier(2);
  EXPECT_THAT(bench.turn_and_act(), ElementsAre("F2"));
  EXPECT_EQ(bench.stored[0].history.durable, Epoch(1));
  EXPECT_EQ(bench.state("a", 1), "1");
}

TEST(SnapshotWriter, CallsAnEpochDurableOnlyWhenItIs) {
  Bench bench;
  bench.frontiers(2);
  EXPECT_THAT(bench.turn(), IsEmpty()) << "asked for, not done";
  bench.act();
  EXPECT_THAT(bench.turn(), ElementsAre("F2"));
}

TEST(SnapshotWriter, APartitionWithoutChangesHasItsRowToo) {
  Bench bench(3);
  bench.entries(0, 1, {{"a", "1"}});
  bench.frontiers(2);
  EXPECT_THAT(bench.turn_and_act(), ElementsAre("F2"));
  for (const auto& each : bench.stored) EXPECT_EQ(each.history.durable, Epoch(1));
}

TEST(SnapshotWriter, PutsEachKeyToItsPartition) {
  Bench bench(3);
  recovery::Entries list;
  for (int key = 0; key < 20; ++key) list.push_back({std::to_string(key), "s"});
  bench.entries(0, 1, list);
  bench.frontiers(2);
  bench.turn_and_act();
  for (int key = 0; key < 20; ++key) EXPECT_EQ(bench.state(std::to_string(key), 1), "s");
}

TEST(SnapshotWriter, EarlyEntriesWaitWithTheirCredit) {
  Bench bench;
  bench.entries(0, 2, {{"a", "2"}});
  bench.entries(1, 1, {{"b", "1"}});
  bench.turn_and_act();
  EXPECT_EQ(bench.feeds[1].repaid(), 1);
  EXPECT_EQ(bench.feeds[0].repaid(), 0);
  bench.frontiers(2);
  EXPECT_THAT(bench.turn_and_act(), ElementsAre("F2"));
  EXPECT_EQ(bench.feeds[0].repaid(), 1) << "given back before 2 is committed";
  bench.frontiers(3);
  EXPECT_THAT(bench.turn_and_act(), ElementsAre("F3"));
  EXPECT_EQ(bench.state("a", 2), "2");
}

TEST(SnapshotWriter, AFullStoreIsPressure) {
  Bench bench;
  for (int i = 0; i < 3; ++i) bench.entries(0, 1, {{std::to_string(i), "s"}});
  bench.turn();
  EXPECT_EQ(bench.feeds[0].repaid(), 2) << "there is room for two";
  bench.frontiers(2);
  EXPECT_THAT(bench.turn(), IsEmpty());
  bench.act();
  bench.turn();
  EXPECT_EQ(bench.feeds[0].repaid(), 3);
  bench.act();
  EXPECT_THAT(bench.turn(), ElementsAre("F2"));
}

TEST(SnapshotWriter, EndsWhenTheGreatestEpochOfItsStreamsIsDurable) {
  Bench bench;
  bench.feeds[0].eof(1);
  bench.feeds[1].stopped(3);
  EXPECT_THAT(bench.turn_and_act(), ElementsAre("F2"));
  EXPECT_THAT(bench.turn_and_act(), ElementsAre("F3"));
  EXPECT_THAT(bench.turn_and_act(), ElementsAre("Stopped3"));
  EXPECT_EQ(bench.stored[0].history.durable, Epoch(3));
  EXPECT_TRUE(bench.step->done());
}

TEST(SnapshotWriter, WithoutPartitionsOfItsOwnItPassesFrontiersOn) {
  Bench bench;
  bench.store.own = {nullptr};
  bench.frontiers(3);
  EXPECT_THAT(bench.turn(), ElementsAre("F2", "F3"));
}

TEST(SnapshotWriter, CollectsWhatNoResumeNeeds) {
  Bench bench(1, 1);
  for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
    bench.entries(0, epoch, {{"a", std::to_string(epoch)}});
    bench.frontiers(epoch + 1);
    bench.turn_and_act();
    bench.step->probe_passed(Epoch(epoch + 1));
    bench.act();
  }
  EXPECT_EQ(bench.stored[0].history.collected, Epoch(2)) << "one epoch more than the last is kept";
  EXPECT_EQ(bench.stored[0].entries.at({"step", "a"}).size(), 2u);
}

}  // namespace
}  // namespace cppwax::operators
