#include "engine/recovery/entry.hpp"

#include <gmock/gmock.h>

#include <set>
#include <string>

#include "engine/base/error.hpp"
#include "support/int_payload.hpp"

namespace cppwax::recovery {
namespace {

using testing::ElementsAre;

TEST(StepEntries, IsSplitFromTheFront) {
  StepEntries all("step", {{"a", "1"}, {"b", std::nullopt}, {"c", "3"}});
  const auto front = all.take_front(2);
  EXPECT_THAT(entries_in(*front).entries(), ElementsAre(Entry{"a", "1"}, Entry{"b", std::nullopt}));
  EXPECT_EQ(entries_in(*front).step(), "step");
  EXPECT_THAT(all.entries(), ElementsAre(Entry{"c", "3"}));
  EXPECT_EQ(all.part_count(), 1u);
  EXPECT_EQ(entries_in(*all.take_part()).size(), 1u);
  EXPECT_EQ(all.part_count(), 0u);
}

TEST(StepEntries, TakesMoreOfItsStepOnly) {
  StepEntries all("step", {{"a", "1"}});
  all.append(std::make_unique<StepEntries>("step", Entries{{"b", "2"}}));
  EXPECT_EQ(all.size(), 2u);
  EXPECT_THROW(all.append(std::make_unique<StepEntries>("other", Entries{{"c", "3"}})),
               InvariantError);
}

TEST(StepEntries, SharesACopy) {
  StepEntries all("step", {{"a", "1"}});
  const auto shared = all.share();
  EXPECT_EQ(all.take().size(), 1u);
  EXPECT_EQ(shared->size(), 1u);
}

TEST(StepEntries, EstimatesKeysAndStates) {
  const StepEntries small("step", {{"a", "1"}});
  const StepEntries large("step", {{"a", std::string(1000, 'x')}});
  EXPECT_EQ(large.bytes_estimate() - small.bytes_estimate(), 999u);
}

TEST(StepEntries, IsWhatTravelsOnSnapshotStreams) {
  EXPECT_THROW(entries_in(*test::ints({1})), InvariantError);
}

// These decide where states lie on users' disks: they must never change.
TEST(PartitionOf, IsFixed) {
  EXPECT_EQ(partition_of("flow.step", "key", 1000), RecoveryPartitionIndex(88));
  EXPECT_EQ(partition_of("flow.step", "", 1000), RecoveryPartitionIndex(200));
}

TEST(PartitionOf, TakesStepAndKeyApart) {
  EXPECT_NE(partition_of("ab", "c", 1'000'000), partition_of("a", "bc", 1'000'000));
}

TEST(PartitionOf, SpreadsTheKeysOfAStep) {
  std::set<std::uint32_t> used;
  for (int key = 0; key < 100; ++key) {
    used.insert(partition_of("step", std::to_string(key), 3).value());
  }
  EXPECT_THAT(used, ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace cppwax::recovery
