#include "engine/recovery/resume.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace cppwax::recovery {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Execution kFirst{1, Epoch(0), Epoch(1)};

History history(std::uint64_t durable, std::vector<Execution> executions = {kFirst}) {
  return {std::move(executions), Epoch(durable), Epoch(0), Epoch(durable)};
}

std::string refusal(const std::vector<History>& histories) {
  try {
    find_resume(histories);
    return "";
  } catch (const InconsistentPartitionsError& error) {
    return error.what();
  }
}

TEST(FindResume, AFreshStoreBeginsWithTheFirstEpoch) {
  const Resume resume = find_resume({History{}, History{}});
  EXPECT_TRUE(resume.is_first);
  EXPECT_EQ(resume.execution, kFirst);
}

TEST(FindResume, TheCutIsTheLeastDurableEpoch) {
  const Resume resume = find_resume({history(5), history(4), history(5)});
  EXPECT_FALSE(resume.is_first);
  EXPECT_EQ(resume.execution, (Execution{2, Epoch(4), Epoch(8)}));
  EXPECT_THAT(resume.behind, IsEmpty());
}

TEST(FindResume, ARunThatMadeNothingDurableCountsAsARun) {
  const Resume resume = find_resume({history(0), history(0)});
  EXPECT_FALSE(resume.is_first) << "its sinks may have been written to";
  EXPECT_EQ(resume.execution, (Execution{2, Epoch(0), Epoch(4)}));
}

TEST(FindResume, EpochsAreNeverUsedTwice) {
  History begun = history(4, {kFirst, {2, Epoch(4), Epoch(9)}});
  const Resume resume = find_resume({begun});
  EXPECT_EQ(resume.execution.first, Epoch(12)) << "9 may have been in use";
  EXPECT_EQ(resume.execution.number, 3u);
}

TEST(FindResume, WhatADeadRunWroteBeyondTheNextCutDoesNotCount) {
  // Partition 0 was behind, so 5 of partition 1 was cut off; but 1 died before it was told.
  const History told = history(4, {kFirst, {2, Epoch(4), Epoch(8)}});
  const Resume resume = find_resume({told, history(5)});
  EXPECT_EQ(resume.execution, (Execution{3, Epoch(4), Epoch(11)}));
}

TEST(FindResume, ACollectedEpochCannotBeResumedFrom) {
  History collected = history(9);
  collected.collected = Epoch(8);
  EXPECT_THAT(refusal({collected, history(7)}),
              testing::AllOf(HasSubstr("partition 1 (epoch 7)"), HasSubstr("partition 0 (epoch 8)"),
                             HasSubstr("backup interval")));
  EXPECT_EQ(refusal({collected, history(8)}), "");
}

TEST(FindResume, ARestoredPartitionIsToldFromOneThatCrashed) {
  EXPECT_THAT(find_resume({history(9), history(7)}).behind, IsEmpty());
  EXPECT_THAT(find_resume({history(9), history(6)}).behind, ElementsAre(RecoveryPartitionIndex(1)));
}

TEST(FindResume, TheJumpOfNumbersIsNoGap) {
  const std::vector<Execution> both{kFirst, {2, Epoch(4), Epoch(8)}};
  EXPECT_THAT(find_resume({history(9, both), history(4, both)}).behind, IsEmpty())
      << "8 and 9 were in flight";
  EXPECT_THAT(find_resume({history(10, both), history(4, both)}).behind,
              ElementsAre(RecoveryPartitionIndex(1)));
}

TEST(FindResume, APartitionThatNeverSawARunThatCommittedWasRestored) {
  const History later = history(8, {kFirst, {2, Epoch(4), Epoch(8)}});
  const Resume resume = find_resume({later, history(5)});
  EXPECT_EQ(resume.execution.cut, Epoch(4));
  EXPECT_THAT(resume.behind, ElementsAre(RecoveryPartitionIndex(1)));
}

TEST(EpochsBefore, CountsEpochsThatWere) {
  // 1 2 3 4 | 8 9 | (11: nothing durable) | 14 15
  const std::vector<Execution> executions{
      kFirst, {2, Epoch(4), Epoch(8)}, {3, Epoch(9), Epoch(11)}, {4, Epoch(9), Epoch(14)}};
  const auto before = [&](std::uint64_t count) {
    return epochs_before(Epoch(15), count, executions).value();
  };
  EXPECT_EQ(before(0), 15u);
  EXPECT_EQ(before(1), 14u);
  EXPECT_EQ(before(2), 9u);
  EXPECT_EQ(before(3), 8u);
  EXPECT_EQ(before(4), 4u);
  EXPECT_EQ(before(7), 1u);
  EXPECT_EQ(before(8), 0u) << "all there ever was is kept";
  EXPECT_EQ(before(1000), 0u);
}

TEST(EpochsBefore, LeavesOutWhatALaterExecutionCutOff) {
  // 1 2 3 4 | 8 9 of which 9 was cut off | 14
  const std::vector<Execution> executions{
      kFirst, {2, Epoch(4), Epoch(8)}, {3, Epoch(8), Epoch(14)}};
  EXPECT_EQ(epochs_before(Epoch(14), 1, executions), Epoch(8));
  EXPECT_EQ(epochs_before(Epoch(14), 2, executions), Epoch(4));
}

}  // namespace
}  // namespace cppwax::recovery
