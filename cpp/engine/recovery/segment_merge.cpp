// The part of SegmentStore that takes out what newer entries have replaced: merges, and the removal
// of what was merged, both in slices beside the commits (docs/progress_and_snapshots.md P10).
// Nothing here waits for the disk: what a power cut undoes was there before, as it is then.
#include <algorithm>
#include <utility>

#include "engine/recovery/segment_store.hpp"

namespace cppwax::recovery {

namespace {

// So much faster than new states come, that a merge ends before the file has doubled again.
constexpr std::int64_t kMergedPerWritten = 4;
// Removing reads little of what it removes.
constexpr std::int64_t kRemovedPerMerged = 4;

// What most entries have beside key and state.
constexpr std::int64_t kEntryHead = 2;

constexpr const char* kMerge = "merge states";

}  // namespace

void SegmentStore::collect(Epoch limit) {
  ENGINE_ASSERT(limit <= history().durable, limit, history().durable);
  limit_ = std::max(limit_, limit);
  for (auto& [step, segments] : segments_) segments.set_limit(limit_);
}

bool SegmentStore::wants_merge() const {
  if (!remains_.empty()) return true;
  if (load_) return false;
  return merge_ || std::any_of(segments_.begin(), segments_.end(), [&](const auto& each) {
           return each.second.wants_merge(limits_.merge_from);
         });
}

void SegmentStore::merge_some() {
  const std::int64_t budget =
      std::max(limits_.merge_bytes, kMergedPerWritten * std::exchange(written_bytes_, 0));
  database_.sync_commits(false);
  if (!remains_.empty()) return remove_remains(kRemovedPerMerged * budget);
  if (!merge_) start_merge();
  advance_merge(budget);
}

// REQUIRES: some step wants it.
void SegmentStore::start_merge() {
  const auto step = std::find_if(segments_.begin(), segments_.end(), [&](const auto& each) {
    return each.second.wants_merge(limits_.merge_from);
  });
  ENGINE_ASSERT(step != segments_.end());
  MergePlan plan = step->second.plan_merge();
  const Epoch epoch = plan.replaced().back().epoch;
  MergedSegments entries(blocks_, plan.taken);
  merge_.emplace(Merge{step->first, std::move(plan), std::move(entries),
                       SegmentWriter(blocks_, next_segment_++, step->first, epoch)});
}

void SegmentStore::advance_merge(std::int64_t budget_bytes) {
  Transaction transaction(database_, kMerge);
  std::int64_t read_bytes = 0;
  EntryView entry;
  while (read_bytes < budget_bytes) {
    if (merge_->entries.next(entry)) {
      read_bytes += static_cast<std::int64_t>(entry.key.size()) + kEntryHead;
      if (!entry.state) continue;  // nothing older is left for it to hide
      read_bytes += static_cast<std::int64_t>(entry.state->size());
      if (merge_->plan.keeps_newest && merge_->entries.from_newest()) continue;
      merge_->result.add(merge_->entries.bytes(), SegmentWriter::Kind::kState);
      continue;
    }
    end_merge(transaction);
    return;
  }
  transaction.commit();
}

void SegmentStore::end_merge(Transaction& transaction) {
  const Segment result = merge_->result.finish();
  const std::vector<Segment> replaced = merge_->plan.replaced();
  for (const Segment& each : replaced) catalog_.remove(each.id);
  if (result.entries > 0) catalog_.add(result);
  catalog_.set_collected(merge_->plan.taken.back().epoch);
  catalog_.save();
  transaction.commit();
  segments_.at(merge_->step).replace(merge_->plan, result);
  leave_remains(replaced);
  merge_.reset();
}

void SegmentStore::leave_remains(const std::vector<Segment>& segments) {
  for (const Segment& each : segments) remains_.push_back({each.id, 0, each.blocks, each.bytes});
}

void SegmentStore::remove_remains(std::int64_t budget_bytes) {
  Transaction transaction(database_, kMerge);
  while (!remains_.empty() && budget_bytes > 0) {
    Remains& first = remains_.front();
    const std::int64_t block_bytes = std::max<std::int64_t>(1, first.bytes / first.blocks);
    const std::int64_t last =
        std::min(first.blocks, first.next_block + budget_bytes / block_bytes + 1);
    blocks_.remove(first.segment, first.next_block, last);
    budget_bytes -= (last - first.next_block) * block_bytes;
    first.next_block = last;
    if (last == first.blocks) remains_.pop_front();
  }
  transaction.commit();
}

void SegmentStore::drop(const StepId& step) {
  const std::vector<Segment> dropped = segments_of(step);
  if (dropped.empty()) return;
  const std::string doing = "drop the states of step '" + step + "'";
  settle_log(doing);
  Transaction transaction(database_, doing);
  for (const Segment& each : dropped) catalog_.remove(each.id);
  catalog_.save();
  transaction.commit();
  if (merge_ && merge_->step == dropped[0].step) merge_.reset();
  segments_.erase(dropped[0].step);
  leave_remains(dropped);
}

// In order of age, so that of segments of one epoch the newest still has the greatest id.
std::vector<Segment> SegmentStore::segments_of(const StepId& step) const {
  for (const auto& [number, segments] : segments_) {
    if (catalog_.steps().at(number) == step) return segments.all();
  }
  return {};
}

void SegmentStore::drop(const StepId& step, const std::string& key) {
  ENGINE_ASSERT(!merge_);
  const std::string doing = "drop a state of step '" + step + "'";
  settle_log(doing);
  Transaction transaction(database_, doing);
  // A run that was killed may have left blocks where the new segments go.
  blocks_.remove_unknown();
  const std::vector<Segment> dropped = segments_of(step);
  for (const Segment& each : dropped) {
    const Segment without = rewrite_without(each, key);
    catalog_.remove(each.id);
    if (without.entries > 0) catalog_.add(without);
  }
  catalog_.save();
  transaction.commit();
  arrange_segments();
  leave_remains(dropped);
}

Segment SegmentStore::rewrite_without(const Segment& segment, const std::string& key) {
  MergedSegments entries(blocks_, {segment});
  SegmentWriter rest(blocks_, next_segment_++, segment.step, segment.epoch);
  EntryView entry;
  while (entries.next(entry)) {
    if (entry.key != key) rest.add(entry);
  }
  return rest.finish();
}

}  // namespace cppwax::recovery
