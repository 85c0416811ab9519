#include "engine/recovery/step_segments.hpp"

#include <algorithm>
#include <utility>

namespace cppwax::recovery {

namespace {

bool is_older(const Segment& left, const Segment& right) {
  return std::pair(left.epoch, left.id) < std::pair(right.epoch, right.id);
}

}  // namespace

void StepSegments::add(const Segment& segment) {
  segments_.insert(std::upper_bound(segments_.begin(), segments_.end(), segment, is_older),
                   segment);
  ENGINE_ASSERT(segment.epoch > limit_, segment.epoch, limit_);
}

void StepSegments::set_limit(Epoch limit) {
  limit_ = std::max(limit_, limit);
  for (; counted_ < segments_.size() && segments_[counted_].epoch <= limit_; ++counted_) {
    count(segments_[counted_]);
  }
}

// Keys that are new cannot be told from those that replace others. So what is live is at least what
// the largest segment has, less what was discarded since.
void StepSegments::count(const Segment& segment) {
  entries_ += segment.entries;
  bytes_ += segment.bytes;
  if (segment.epoch <= known_to_) return;
  const std::int64_t kept = segment.entries - segment.discards;
  live_entries_ = std::max(std::max<std::int64_t>(live_entries_ - segment.discards, 0), kept);
  live_bytes_ = std::max(live_bytes_, kept > 0 ? segment.bytes : 0);
}

void StepSegments::set_live(std::int64_t entries, std::int64_t bytes) {
  live_entries_ = entries;
  live_bytes_ = bytes;
  if (!segments_.empty()) known_to_ = segments_.back().epoch;
}

bool StepSegments::wants_merge(const MergeThresholds& worth) const {
  if (counted_ == 0) return false;
  const bool is_small = counted_ < worth.segments && bytes_ < worth.bytes;
  if (live_entries_ > 0 && (counted_ < 2 || is_small)) return false;
  return entries_ >= 2 * live_entries_ || bytes_ >= 2 * live_bytes_;
}

MergePlan StepSegments::plan_merge() const {
  ENGINE_ASSERT(counted_ > 0);
  MergePlan plan{{segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(counted_)}};
  plan.keeps_newest = counted_ > 1 && plan.taken.back().discards == 0;
  return plan;
}

void StepSegments::replace(const MergePlan& merged, const Segment& result) {
  const std::vector<Segment> replaced = merged.replaced();
  // Nothing older than what was merged has come since.
  ENGINE_ASSERT(replaced.size() <= segments_.size(), replaced.size(), segments_.size());
  for (std::size_t i = 0; i < replaced.size(); ++i) {
    ENGINE_ASSERT(segments_[i].id == replaced[i].id, i, segments_[i].id, replaced[i].id);
  }
  segments_.erase(segments_.begin(),
                  segments_.begin() + static_cast<std::ptrdiff_t>(replaced.size()));
  counted_ = 0;
  entries_ = bytes_ = 0;
  live_entries_ = result.entries;
  live_bytes_ = result.bytes;
  known_to_ = merged.taken.back().epoch;
  if (merged.keeps_newest) {
    live_entries_ += merged.taken.back().entries;
    live_bytes_ += merged.taken.back().bytes;
  }
  if (result.entries > 0) {
    segments_.insert(std::upper_bound(segments_.begin(), segments_.end(), result, is_older),
                     result);
  }
  set_limit(limit_);
}

std::vector<Segment> StepSegments::up_to(Epoch last) const {
  const auto end = std::ranges::upper_bound(segments_, last, {}, &Segment::epoch);
  return {segments_.begin(), end};
}

}  // namespace cppwax::recovery
