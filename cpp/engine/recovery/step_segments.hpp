// The segments of one step, and when to merge them (docs/progress_and_snapshots.md P10). Pure.
#pragma once

#include <vector>

#include "engine/recovery/catalog.hpp"

namespace cppwax::recovery {

// A merge costs some transactions: a small step waits until there is something to gain.
struct MergeThresholds {
  std::size_t segments = 64;
  std::int64_t bytes = 1 << 20;
};

// What a merge takes and what becomes of it.
struct MergePlan {
  std::vector<Segment> taken;  // the oldest first
  // The newest of them has no discards. So all of it is live, and stays as it is; of the others is
  // written anew what it does not replace. Where several are of one epoch the result may count as
  // newer than what was kept: no key is in both.
  bool keeps_newest = false;

  std::vector<Segment> replaced() const {
    return {taken.begin(), taken.end() - static_cast<std::ptrdiff_t>(keeps_newest)};
  }
};

// Used by one thread. Invariant: segments are in order of age, the oldest first. That is (epoch,
// id), not the order in which they came: a merge makes old entries in a new segment.
class StepSegments {
 public:
  void add(const Segment& segment);
  // All entries of epochs up to the limit may be merged.
  void set_limit(Epoch limit);
  // Of the entries that there are by now, so many are live.
  void set_live(std::int64_t entries, std::int64_t bytes);
  // Whether at most half of what is stored up to the limit is live, so far as can be told, and it
  // is worth it.
  bool wants_merge(const MergeThresholds& worth) const;
  // A merge of all up to the limit. REQUIRES: there are some.
  MergePlan plan_merge() const;
  // It has made `result` of what it replaces; nothing was left if that has no entries.
  void replace(const MergePlan& merged, const Segment& result);

  const std::vector<Segment>& all() const { return segments_; }
  std::vector<Segment> up_to(Epoch last) const;

 private:
  void count(const Segment& segment);

  std::vector<Segment> segments_;
  std::size_t counted_ = 0;  // so many of them are within the limit
  Epoch limit_{};
  Epoch known_to_{};  // up to here, what is live was not guessed
  // Of those within the limit.
  std::int64_t entries_ = 0;
  std::int64_t bytes_ = 0;
  // What is live of them at the least.
  std::int64_t live_entries_ = 0;
  std::int64_t live_bytes_ = 0;
};

}  // namespace cppwax::recovery
