// What every kind of recovery partition does alike: in memory, in SQLite step by step, in SQLite
// with its thread.
#include "engine/recovery/partition.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "support/partition_stand.hpp"

namespace cppwax::recovery {
namespace {

using test::States;
using testing::ElementsAre;
using testing::IsEmpty;

template <class Stand>
class PartitionTest : public testing::Test {
 protected:
  // A new run over what is there.
  Partition& resume() {
    Partition& partition = stand.open();
    execution = find_resume({partition.history()}).execution;
    partition.begin(execution);
    return partition;
  }
  void write(Partition& partition, std::uint64_t epoch, const StepId& step, Entries entries) {
    stand.wait_until([&] { return partition.room(); });
    partition.write(Epoch(epoch), step, std::move(entries));
  }
  void commit(Partition& partition, std::uint64_t epoch) {
    test::commit_and_wait(stand, partition, Epoch(epoch));
  }
  States reload() {
    Partition& partition = resume();
    return test::load_all(stand, partition);
  }

  Stand stand;
  Execution execution;
};

using Stands = testing::Types<test::MemoryStand, test::SteppedStand, test::ThreadStand>;
TYPED_TEST_SUITE(PartitionTest, Stands);

TYPED_TEST(PartitionTest, IsEmptyAtFirst) {
  Partition& partition = this->stand.open();
  const History history = partition.history();
  EXPECT_THAT(history.executions, IsEmpty());
  EXPECT_EQ(history.durable, Epoch(0));
  EXPECT_EQ(history.written, Epoch(0));
  partition.begin({});
  EXPECT_THAT(test::load_all(this->stand, partition), IsEmpty());
}

TYPED_TEST(PartitionTest, KeepsWhatIsCommitted) {
  Partition& partition = this->resume();
  this->write(partition, 1, "f.a", {{"k1", "1"}, {"k2", "2"}});
  this->write(partition, 1, "f.b", {{"k1", ""}});
  this->commit(partition, 1);
  this->stand.close();
  EXPECT_EQ(this->reload(),
            (States{{{"f.a", "k1"}, "1"}, {{"f.a", "k2"}, "2"}, {{"f.b", "k1"}, ""}}));
}

TYPED_TEST(PartitionTest, ForgetsWhatIsNotCommitted) {
  Partition& partition = this->resume();
  this->write(partition, 1, "f.a", {{"k1", "1"}});
  this->commit(partition, 1);
  this->write(partition, 2, "f.a", {{"k1", "2"}, {"k2", "2"}});
  EXPECT_EQ(this->reload(), (States{{{"f.a", "k1"}, "1"}}));
}

TYPED_TEST(PartitionTest, TheNewestEntryOfAKeyCounts) {
  Partition& partition = this->resume();
  this->write(partition, 1, "f.a", {{"k1", "1"}, {"k2", "1"}, {"k3", "1"}});
  this->commit(partition, 1);
  this->write(partition, 2, "f.a", {{"k2", "2"}});
  this->write(partition, 2, "f.a", {{"k3", "old"}, {"k3", "2"}});
  this->commit(partition, 2);
  EXPECT_EQ(this->reload(),
            (States{{{"f.a", "k1"}, "1"}, {{"f.a", "k2"}, "2"}, {{"f.a", "k3"}, "2"}}));
}

TYPED_TEST(PartitionTest, ADiscardHidesWhatIsOlder) {
  Partition& partition = this->resume();
  this->write(partition, 1, "f.a", {{"k1", "1"}, {"k2", "1"}});
  this->commit(partition, 1);
  this->write(partition, 2, "f.a", {{"k1", std::nullopt}, {"never there", std::nullopt}});
  this->commit(partition, 2);
  EXPECT_EQ(this->reload(), (States{{{"f.a", "k2"}, "1"}}));
}

TYPED_TEST(PartitionTest, AnEpochWithoutChangesIsDurableToo) {
  Partition& partition = this->resume();
  this->commit(partition, 1);
  this->commit(partition, 2);
  EXPECT_EQ(this->stand.open().history().durable, Epoch(2));
}

TYPED_TEST(PartitionTest, RemembersExecutions) {
  this->resume();
  Partition& partition = this->resume();
  const Execution first{1, Epoch(0), Epoch(1)};
  EXPECT_THAT(partition.history().executions, ElementsAre(first, this->execution));
  EXPECT_EQ(this->execution, (Execution{2, Epoch(0), Epoch(4)}));
}

TYPED_TEST(PartitionTest, BeginningRemovesWhatLiesBehindTheCut) {
  Partition& partition = this->resume();
  for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
    this->write(partition, epoch, "f.a", {{"k", std::to_string(epoch)}});
    this->commit(partition, epoch);
  }
  Partition& behind = this->stand.open();
  behind.begin({2, Epoch(2), Epoch(6)});
  EXPECT_EQ(test::load_all(this->stand, behind), (States{{{"f.a", "k"}, "2"}}));
  EXPECT_EQ(behind.durable(), Epoch(2));
  const History history = this->stand.open().history();
  EXPECT_EQ(history.durable, Epoch(2));
  EXPECT_EQ(history.written, Epoch(3)) << "3 was used";
}

TYPED_TEST(PartitionTest, CollectingLeavesTheNewestState) {
  Partition& partition = this->resume();
  for (std::uint64_t epoch = 1; epoch <= 20; ++epoch) {
    this->write(
        partition, epoch, "f.a",
        {{"k", std::to_string(epoch)}, {"gone", epoch % 2 ? std::optional("x") : std::nullopt}});
    this->commit(partition, epoch);
    if (epoch > 1) partition.collect(Epoch(epoch - 1));
  }
  EXPECT_EQ(this->reload(), (States{{{"f.a", "k"}, "20"}}));
  EXPECT_LE(this->stand.open().history().collected, Epoch(19));
}

TYPED_TEST(PartitionTest, HasRoomAgainWhenItHasWorked) {
  Partition& partition = this->resume();
  std::size_t written = 0;
  for (; partition.room() && written < 100'000; ++written) {
    partition.write(Epoch(1), "f.a", {{std::to_string(written), std::string(100, 's')}});
  }
  this->stand.wait_until([&] { return partition.room(); });
  this->commit(partition, 1);
  EXPECT_EQ(this->reload().size(), written);
}

TYPED_TEST(PartitionTest, TakesKeysAndStatesOfAnyBytes) {
  const std::string bytes("\0\xff\xed\xa0\x80'\n", 7);
  Partition& partition = this->resume();
  this->write(partition, 1, bytes,
              {{bytes, bytes}, {"", std::string(100'000, '\xfe')}, {bytes + '\0', ""}});
  this->commit(partition, 1);
  EXPECT_EQ(this->reload(), (States{{{bytes, bytes}, bytes},
                                    {{bytes, ""}, std::string(100'000, '\xfe')},
                                    {{bytes, bytes + '\0'}, ""}}));
}

}  // namespace
}  // namespace cppwax::recovery
