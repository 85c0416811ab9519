#include "engine/recovery/step_segments.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace cppwax::recovery {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr MergeThresholds kAlways{.segments = 0, .bytes = 0};

Segment segment(std::int64_t id, std::uint64_t epoch, std::int64_t entries,
                std::int64_t discards = 0) {
  return {id, 1, Epoch(epoch), 1, entries, discards, 40 * (entries - discards) + 10 * discards};
}

std::vector<std::int64_t> ids(const std::vector<Segment>& segments) {
  std::vector<std::int64_t> all;
  for (const Segment& each : segments) all.push_back(each.id);
  return all;
}

TEST(StepSegments, AreInOrderOfAgeNotOfMaking) {
  StepSegments segments;
  segments.add(segment(5, 3, 1));
  segments.add(segment(9, 1, 1));
  segments.add(segment(7, 2, 1));
  segments.add(segment(6, 2, 1));
  EXPECT_THAT(ids(segments.all()), ElementsAre(9, 6, 7, 5));
}

TEST(StepSegments, AreMergedWhenHalfIsReplaced) {
  StepSegments segments;
  segments.add(segment(1, 1, 100));
  segments.add(segment(2, 2, 60));
  segments.set_limit(Epoch(2));
  EXPECT_FALSE(segments.wants_merge(kAlways));
  segments.add(segment(3, 3, 40));
  EXPECT_FALSE(segments.wants_merge(kAlways)) << "3 is not collectable";
  segments.set_limit(Epoch(3));
  EXPECT_TRUE(segments.wants_merge(kAlways));
  EXPECT_THAT(ids(segments.plan_merge().taken), ElementsAre(1, 2, 3));
}

TEST(StepSegments, DiscardsMakeRoom) {
  StepSegments segments;
  segments.add(segment(1, 1, 100));
  segments.add(segment(2, 2, 40, 40));
  segments.set_limit(Epoch(2));
  EXPECT_TRUE(segments.wants_merge(kAlways)) << "140 entries for 60 live ones";
}

TEST(StepSegments, WaitUntilAMergeIsWorthIt) {
  StepSegments segments;
  for (int epoch = 1; epoch <= 9; ++epoch) {
    segments.add(segment(epoch, static_cast<std::uint64_t>(epoch), 1));
  }
  segments.set_limit(Epoch(9));
  EXPECT_TRUE(segments.wants_merge({.segments = 9, .bytes = 1000}));
  EXPECT_TRUE(segments.wants_merge({.segments = 10, .bytes = 360}));
  EXPECT_FALSE(segments.wants_merge({.segments = 10, .bytes = 1000}));
}

TEST(StepSegments, DoNotWaitWhenNothingIsLive) {
  StepSegments segments;
  segments.add(segment(1, 1, 5));
  segments.add(segment(2, 2, 5, 5));
  segments.set_limit(Epoch(2));
  EXPECT_TRUE(segments.wants_merge({}));
  segments.replace(segments.plan_merge(), segment(3, 2, 0));
  EXPECT_THAT(segments.all(), IsEmpty());
  EXPECT_FALSE(segments.wants_merge(kAlways));
}

TEST(StepSegments, WhatCameWhileTheyWereMergedStays) {
  StepSegments segments;
  segments.add(segment(1, 1, 10));
  segments.add(segment(2, 2, 10));
  segments.set_limit(Epoch(2));
  const MergePlan plan = segments.plan_merge();
  segments.add(segment(4, 3, 10));
  segments.set_limit(Epoch(3));
  segments.replace(plan, segment(3, 1, 0));
  EXPECT_THAT(ids(segments.all()), ElementsAre(2, 4));
  EXPECT_TRUE(segments.wants_merge(kAlways)) << "4 is within the limit by now";
  EXPECT_THAT(ids(segments.plan_merge().taken), ElementsAre(2, 4));
}

TEST(StepSegments, AMergeKeepsTheNewestIfAllOfItIsLive) {
  StepSegments segments;
  segments.add(segment(1, 1, 100));
  segments.add(segment(2, 2, 40, 5));
  segments.add(segment(3, 3, 60));
  segments.set_limit(Epoch(3));
  const MergePlan plan = segments.plan_merge();
  EXPECT_THAT(ids(plan.replaced()), ElementsAre(1, 2));
  segments.replace(plan, segment(4, 2, 40));
  EXPECT_THAT(ids(segments.all()), ElementsAre(4, 3));
  EXPECT_FALSE(segments.wants_merge(kAlways)) << "all is live";
  segments.add(segment(5, 4, 99));
  segments.set_limit(Epoch(4));
  EXPECT_FALSE(segments.wants_merge(kAlways)) << "100 of 199 are known to be live";
  segments.add(segment(6, 5, 1));
  segments.set_limit(Epoch(5));
  EXPECT_TRUE(segments.wants_merge(kAlways));
}

TEST(StepSegments, AMergeTakesTheNewestIfItHasDiscards) {
  StepSegments segments;
  segments.add(segment(1, 1, 100));
  segments.add(segment(2, 2, 100, 1));
  segments.set_limit(Epoch(2));
  const MergePlan plan = segments.plan_merge();
  EXPECT_THAT(ids(plan.replaced()), ElementsAre(1, 2));
  segments.replace(plan, segment(3, 2, 99));
  EXPECT_THAT(ids(segments.all()), ElementsAre(3));
}

TEST(StepSegments, ALoadTellsWhatIsLive) {
  StepSegments segments;
  segments.add(segment(1, 1, 50));
  segments.add(segment(2, 2, 50));
  segments.set_live(100, 4000);
  segments.set_limit(Epoch(2));
  EXPECT_FALSE(segments.wants_merge(kAlways)) << "no key is in both";
}

}  // namespace
}  // namespace cppwax::recovery
