#include "engine/recovery/segment_store.hpp"

#include <string_view>
#include <utility>

#include "engine/recovery/own_log.hpp"

namespace cppwax::recovery {

namespace {

// SQLite's longest value is 10^9 bytes; a block has little beside its entries.
constexpr std::size_t kMostStateBytes = 950'000'000;

std::size_t bytes_of(const Entry& entry) {
  return sizeof(Entry) + entry.key.size() + (entry.state ? entry.state->size() : 0);
}

EntryView view_of(const Entry& entry) {
  EntryView view{entry.key, {}};
  if (entry.state) view.state = *entry.state;
  return view;
}

}  // namespace

SegmentStore::SegmentStore(const PartitionFile& file, StoreLimits limits)
    : file_(file),
      limits_(limits),
      database_(file.path, Database::Access::kReadWrite, file.vfs),
      version_(check_log_and_schema(database_)),
      catalog_(database_),
      blocks_(database_) {
  if (read_identity(database_) != file.identity) {
    database_.damaged("it is another partition than it was a moment ago");
  }
  if (!database_.writable()) {
    throw StoreError(StoreFault::kNotWritable,
                     "recovery partition " + file.path +
                         " cannot be written to; check that this user owns it, and that its file "
                         "system is not read-only");
  }
  require_flow();
  const std::string finding = database_.text("PRAGMA quick_check(1)", "check it");
  if (finding != "ok") database_.damaged(finding);
  blocks_.check(catalog_.segments());
  arrange_segments();
}

void SegmentStore::require_flow() {
  const std::string& owner = catalog_.flow_id();
  if (file_.flow_id.empty() || owner.empty() || owner == file_.flow_id) return;
  throw StoreError(StoreFault::kOtherFlow,
                   "recovery partition " + file_.path + " holds the states of the flow '" + owner +
                       "', not of '" + file_.flow_id +
                       "'; each flow needs a store of its own, made with `python -m "
                       "cppwax.recovery`");
}

void SegmentStore::arrange_segments() {
  segments_.clear();
  next_segment_ = 1;
  for (const auto& [id, segment] : catalog_.segments()) {
    segments_[segment.step].add(segment);
    next_segment_ = id + 1;
  }
}

std::set<StepId> SegmentStore::stored_steps(Epoch cut) {
  std::set<StepId> steps;
  for (const auto& [number, segments] : segments_) {
    MergedSegments entries(blocks_, segments.up_to(cut));
    EntryView entry;
    while (entries.next(entry)) {
      if (!entry.state) continue;
      steps.insert(catalog_.steps().at(number));
      break;
    }
  }
  return steps;
}

// The log of a run that a failed sync has ended can be read, and need not be on the disk: the
// system takes what it could not write for written. Nothing is built on it before it is. And what
// is written next counts as long as the file says that it has a log.
void SegmentStore::settle_log(const std::string& doing) {
  database_.sync_commits(true);
  if (std::exchange(log_is_settled_, true)) return;
  database_.rewrite_log(doing);
  if (database_.disowns_log()) database_.leave_log(doing);
}

void SegmentStore::begin(const Execution& execution) {
  ENGINE_ASSERT(execution.cut >= history().collected, execution.cut, history().collected);
  const std::string doing = "begin execution " + std::to_string(execution.number);
  settle_log(doing);
  if (database_.text("PRAGMA journal_mode=WAL", doing) != "wal") database_.fail(doing);
  Transaction transaction(database_, doing);
  migrate_schema(database_, version_);
  std::vector<std::int64_t> beyond;
  for (const auto& [id, segment] : catalog_.segments()) {
    if (segment.epoch > execution.cut) beyond.push_back(id);
  }
  for (const std::int64_t id : beyond) catalog_.remove(id);
  blocks_.remove_unknown();
  catalog_.begin(execution, file_.flow_id);
  catalog_.save();
  transaction.commit();
  // They are gone, and new segments may have their numbers.
  remains_.clear();
  arrange_segments();
}

void SegmentStore::require_storable(const StepId& step, const Entry& entry) {
  if (bytes_of(entry) <= kMostStateBytes) return;
  throw StoreError(StoreFault::kDisk,
                   "the state of key '" + entry.key.substr(0, 100) + "' of step '" + step +
                       "' has " + std::to_string(bytes_of(entry)) + " bytes; a store takes " +
                       std::to_string(kMostStateBytes) +
                       ": keep less in one state, for example by more and smaller keys");
}

void SegmentStore::write(Epoch epoch, const StepId& step, const Entries& entries) {
  ENGINE_ASSERT(epoch > history().durable, epoch, history().durable);
  ENGINE_ASSERT(!open_epoch_ || *open_epoch_ == epoch, epoch, *open_epoch_);
  open_epoch_ = epoch;
  load_.reset();
  OpenEntries& open = open_[step].entries;
  for (const Entry& entry : entries) {
    require_storable(step, entry);
    open_bytes_ += bytes_of(entry);
    open.add(view_of(entry));
  }
  if (open_bytes_ >= limits_.open_bytes) spill();
}

// What does not fit into memory goes into the file before its epoch is through.
void SegmentStore::spill() {
  database_.sync_commits(false);
  Transaction transaction(database_,
                          "write states of epoch " + std::to_string(open_epoch_->value()));
  for (auto& [step, open] : open_) {
    if (open.entries.empty()) continue;
    open.spilled.push_back(write_sorted(catalog_.number_of(step), *open_epoch_, open.entries));
  }
  catalog_.save();
  transaction.commit();
  open_bytes_ = 0;
}

Segment SegmentStore::write_sorted(StepNumber step, Epoch epoch, OpenEntries& entries) {
  SegmentWriter writer(blocks_, next_segment_++, step, epoch);
  entries.drain([&](std::string_view bytes, const EntryView& entry) {
    writer.add(bytes, entry.state ? SegmentWriter::Kind::kState : SegmentWriter::Kind::kDiscard);
  });
  const Segment segment = writer.finish();
  written_bytes_ += segment.bytes;
  return segment;
}

void SegmentStore::commit(Epoch epoch) {
  ENGINE_ASSERT(!open_epoch_ || *open_epoch_ == epoch, epoch, *open_epoch_);
  database_.sync_commits(true);
  Transaction transaction(database_, "commit epoch " + std::to_string(epoch.value()));
  std::vector<Segment> made;
  for (auto& [step, open] : open_) {
    const StepNumber number = catalog_.number_of(step);
    made.insert(made.end(), open.spilled.begin(), open.spilled.end());
    if (!open.entries.empty()) made.push_back(write_sorted(number, epoch, open.entries));
  }
  for (const Segment& each : made) catalog_.add(each);
  catalog_.set_durable(epoch);
  catalog_.save();
  transaction.commit();
  for (const Segment& each : made) segments_[each.step].add(each);
  open_.clear();
  open_bytes_ = 0;
  open_epoch_.reset();
}

void SegmentStore::close() {
  merge_.reset();
  database_.fold_log();
}

bool SegmentStore::open_next_step() {
  const auto next = segments_.upper_bound(load_->step);
  if (next == segments_.end()) return false;
  load_->step = next->first;
  load_->entries.emplace(blocks_, next->second.all());
  load_->live_entries = load_->live_bytes = 0;
  return true;
}

Partition::Read SegmentStore::read() {
  if (!load_) load_.emplace();
  Partition::Read batch{Partition::Read::Kind::kEntries};
  while (batch.entries.empty()) {
    if (!load_->entries && !open_next_step()) {
      load_.reset();
      return {Partition::Read::Kind::kEnd};
    }
    std::size_t bytes = 0;
    EntryView entry;
    bool more = true;
    while (batch.entries.size() < limits_.read_entries && bytes < limits_.read_bytes) {
      more = load_->entries->next(entry);
      if (!more) break;
      if (!entry.state) continue;
      batch.entries.push_back({std::string(entry.key), std::string(*entry.state)});
      bytes += entry.key.size() + entry.state->size();
    }
    load_->live_entries += static_cast<std::int64_t>(batch.entries.size());
    load_->live_bytes += static_cast<std::int64_t>(bytes);
    if (more) continue;
    segments_.at(load_->step).set_live(load_->live_entries, load_->live_bytes);
    load_->entries.reset();
  }
  batch.step = catalog_.steps().at(load_->step);
  return batch;
}

}  // namespace cppwax::recovery
