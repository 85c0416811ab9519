#include "engine/operators/snapshot_loader.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "support/memory_partition.hpp"
#include "support/step_bench.hpp"

namespace cppwax::operators {
namespace {

using test::Drain;
using test::Feed;
using testing::ElementsAre;
using testing::IsEmpty;

struct Bench {
  explicit Bench(std::size_t partitions, channel::Amount window = channel::kDefaultWindow)
      : stored(partitions), down(window) {
    store.executions = {{1, Epoch(0), Epoch(1)}, {2, Epoch(2), Epoch(5)}};
    store.is_resume = true;
  }
  void open() {
    for (test::StoredPartition& each : stored) {
      each.history.durable = Epoch(2);
      opened.push_back(std::make_unique<test::MemoryPartition>(each, 2, [] {}));
      opened.back()->begin(store.execution());
      store.own.push_back(opened.back().get());
    }
    step.emplace(*down.sender(), store);
  }
  // Until it waits; what it sent.
  std::vector<std::string> turns() {
    while (step->activate() == Activity::kAgain) {
    }
    return down.take_entries();
  }

  std::vector<test::StoredPartition> stored;
  std::vector<std::unique_ptr<test::MemoryPartition>> opened;
  StoreAccess store;
  Drain down;
  std::optional<SnapshotLoaderStep> step;
};

TEST(SnapshotLoader, SendsTheNewestStateOfEachKeyAsOfTheCut) {
  Bench bench(1);
  bench.stored[0].entries[{"sum", "a"}] = {{Epoch(1), "old"}, {Epoch(2), "new"}};
  bench.stored[0].entries[{"sum", "b"}] = {{Epoch(1), "b"}, {Epoch(2), std::nullopt}};
  bench.stored[0].entries[{"sum", "c"}] = {{Epoch(3), "of a dead run"}};
  bench.open();
  EXPECT_THAT(bench.turns(), ElementsAre("sum a=new", "Eof5"));
  EXPECT_TRUE(bench.step->done());
}

TEST(SnapshotLoader, ReadsAllItsPartitionsInTurn) {
  Bench bench(2);
  bench.stored[0].entries[{"sum", "a"}] = {{Epoch(1), "1"}};
  bench.stored[1].entries[{"sum", "b"}] = {{Epoch(1), "2"}};
  bench.open();
  EXPECT_THAT(bench.turns(), ElementsAre("sum b=2", "sum a=1", "Eof5"));
}

TEST(SnapshotLoader, WithoutPartitionsItEndsAtOnce) {
  Bench bench(0);
  bench.open();
  EXPECT_TRUE(bench.step->done());
  EXPECT_THAT(bench.turns(), ElementsAre("Eof5"));
}

TEST(SnapshotLoader, WaitsForCredit) {
  Bench bench(1, {1, 1000});
  bench.stored[0].entries[{"sum", "a"}] = {{Epoch(1), "1"}};
  bench.stored[0].entries[{"sum", "b"}] = {{Epoch(1), "2"}};
  bench.open();
  EXPECT_THAT(bench.turns(), ElementsAre("sum a=1"));
  EXPECT_THAT(bench.turns(), IsEmpty());
  bench.down.repay(Epoch(5));
  EXPECT_THAT(bench.turns(), ElementsAre("sum b=2"));
  bench.down.repay(Epoch(5));
  EXPECT_THAT(bench.turns(), ElementsAre("Eof5"));
}

TEST(SnapshotLoader, WaitsForTheStore) {
  Bench bench(1);
  bench.stored[0].entries[{"sum", "a"}] = {{Epoch(1), "1"}};
  bench.open();
  bench.opened[0]->let_reads_wait();
  EXPECT_THAT(bench.turns(), IsEmpty());
  EXPECT_THAT(bench.turns(), ElementsAre("sum a=1"));
}

TEST(EntryRouter, SendsEachEntryToItsOwner) {
  EntryRouter router([](const StepId&, const recovery::Entry& entry) {
    return WorkerIndex(entry.key == "b" ? 1u : 0u);
  });
  std::vector<data::PayloadPtr> parts(2);
  router.split(std::make_unique<recovery::StepEntries>(
                   "sum", recovery::Entries{{"a", "1"}, {"b", "2"}, {"c", "3"}}),
               parts);
  EXPECT_THAT(recovery::entries_in(*parts[0]).entries(),
              ElementsAre(recovery::Entry{"a", "1"}, recovery::Entry{"c", "3"}));
  EXPECT_THAT(recovery::entries_in(*parts[1]).entries(), ElementsAre(recovery::Entry{"b", "2"}));
}

TEST(Restore, HandsOnWhatComesAndIsDoneWhenAllLoadersAre) {
  Feed feed(2);
  std::vector<std::string> restored;
  RestoreStep step(
      *feed.receiver(),
      [&](const StepId& id, recovery::Entries entries) {
        restored.push_back(id + " " + entries.at(0).key);
      },
      Epoch(5));
  feed.receiver()->deliver(
      1, data::Batch{Epoch(5),
                     std::make_unique<recovery::StepEntries>("sum", recovery::Entries{{"a", "1"}}),
                     {1, 10}});
  feed.eof(5, 1);
  step.activate();
  EXPECT_THAT(restored, ElementsAre("sum a"));
  EXPECT_EQ(feed.repaid(1), 1);
  EXPECT_FALSE(step.done());
  feed.eof(5, 0);
  step.activate();
  EXPECT_TRUE(step.done());
}

}  // namespace
}  // namespace cppwax::operators
