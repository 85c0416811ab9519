#include "engine/recovery/store_view.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "engine/recovery/entry.hpp"
#include "engine/recovery/file_claim.hpp"
#include "engine/recovery/own_log.hpp"
#include "engine/recovery/segment_store.hpp"

namespace cppwax::recovery {

namespace {

std::int64_t bytes_of(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0 ? static_cast<std::int64_t>(status.st_size) : 0;
}

bool may_write(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/'));
  return access(path.c_str(), W_OK) == 0 && access(folder.c_str(), W_OK) == 0;
}

// SQLite would have to write to make such a file whole.
void require_no_journal(const std::string& path) {
  if (bytes_of(path + "-journal") == 0) return;
  throw StoreError(StoreFault::kNotWritable,
                   "recovery partition " + path +
                       ": its last run was killed while it closed it, and only a run can make it "
                       "whole; run the flow, or look at a copy of all files of the store");
}

void require_no_log(const std::string& path) {
  if (bytes_of(path + "-wal") == 0) return;
  throw StoreError(StoreFault::kNotWritable,
                   "recovery partition " + path +
                       " has a log beside it, which cannot be read where this user may not write; "
                       "look at a copy of all files of the store");
}

std::vector<PartitionHome> homes_in(const std::vector<std::string>& folders,
                                    std::vector<std::string>& warnings) {
  std::vector<std::vector<FoundPartition>> found;
  for (const std::string& folder : folders) {
    FoundStore each = find_partitions(folder);
    found.push_back(std::move(each.partitions));
    warnings.insert(warnings.end(), each.warnings.begin(), each.warnings.end());
  }
  return arrange_partitions(found);
}

}  // namespace

class PartitionView {
 public:
  explicit PartitionView(const PartitionHome& home)
      : claim_(claim_on(home.path)),
        database_(home.path, claim_ ? Database::Access::kReadWrite : Database::Access::kAsItLies),
        version_(check_log_and_schema(database_)),
        catalog_(database_),
        blocks_(database_) {
    const std::string finding = database_.text("PRAGMA quick_check(1)", "check it");
    if (finding != "ok") database_.damaged(finding);
    blocks_.check(catalog_.segments());
  }

  const std::string& path() const { return database_.path(); }
  const Catalog& catalog() const { return catalog_; }

  // Of epochs up to the cut, the oldest first.
  std::map<StepNumber, std::vector<Segment>> segments(Epoch cut) const {
    std::map<StepNumber, std::vector<Segment>> by_step;
    for (const auto& [id, segment] : catalog_.segments()) {
      if (segment.epoch <= cut) by_step[segment.step].push_back(segment);
    }
    for (auto& [step, of_step] : by_step) {
      std::ranges::sort(of_step, {}, [](const Segment& s) { return std::pair(s.epoch, s.id); });
    }
    return by_step;
  }

  // Each key of these segments, newest state first; discards are left out.
  template <class Use>
  void each_live(const std::vector<Segment>& segments, Use&& use) {
    MergedSegments entries(blocks_, segments);
    EntryView entry;
    while (entries.next(entry)) {
      if (entry.state) use(entry, entries.segment().epoch);
    }
  }

 private:
  // Null where this user may not write: nobody's locks can be asked for there.
  static std::unique_ptr<FileClaim> claim_on(const std::string& path) {
    require_no_journal(path);
    if (may_write(path)) return std::make_unique<FileClaim>(path);
    require_no_log(path);
    return nullptr;
  }

  std::unique_ptr<FileClaim> claim_;
  Database database_;
  int version_;
  Catalog catalog_;
  BlockFile blocks_;
};

StoreView::StoreView(const std::vector<std::string>& folders) {
  std::vector<History> histories;
  for (const PartitionHome& home : homes_in(folders, warnings_)) {
    partitions_.push_back(std::make_unique<PartitionView>(home));
    histories.push_back(partitions_.back()->catalog().history());
  }
  resume_ = find_resume(histories);
  for (const auto& each : partitions_) {
    const std::string& owner = each->catalog().flow_id();
    if (owner.empty() || flow_id().empty() || owner == flow_id()) continue;
    throw StoreError(StoreFault::kInconsistent, "recovery partition " + each->path() +
                                                    " holds the states of the flow '" + owner +
                                                    "', others those of '" + flow_id() +
                                                    "'; put back partitions of one store");
  }
}

StoreView::~StoreView() = default;

std::vector<StoreView::Partition> StoreView::partitions() const {
  std::vector<Partition> all;
  for (const auto& each : partitions_) {
    all.push_back({each->path(), bytes_of(each->path()) + bytes_of(each->path() + "-wal"),
                   each->catalog().history()});
  }
  return all;
}

// A crash at the beginning of the first run may have left it out on some partitions.
const std::string& StoreView::flow_id() const {
  const auto named = std::ranges::find_if(
      partitions_, [](const auto& each) { return !each->catalog().flow_id().empty(); });
  return (named == partitions_.end() ? partitions_.front() : *named)->catalog().flow_id();
}

std::map<StepId, StoredStep> StoreView::steps() {
  std::map<StepId, StoredStep> steps;
  for (const auto& partition : partitions_) {
    for (const auto& [number, segments] : partition->segments(resume_.execution.cut)) {
      StoredStep& step = steps[partition->catalog().steps().at(number)];
      for (const Segment& each : segments) step.entries += each.entries;
      partition->each_live(segments, [&](const EntryView& entry, Epoch epoch) {
        step.oldest = step.keys == 0 ? epoch : std::min(step.oldest, epoch);
        step.newest = std::max(step.newest, epoch);
        ++step.keys;
        step.state_bytes += static_cast<std::int64_t>(entry.state->size());
      });
    }
  }
  return steps;
}

void StoreView::each_state(const Take& take, const std::optional<StepId>& of_step) {
  for (const auto& partition : partitions_) {
    for (const auto& [number, segments] : partition->segments(resume_.execution.cut)) {
      const StepId& step = partition->catalog().steps().at(number);
      if (of_step && step != *of_step) continue;
      partition->each_live(segments,
                           [&](const EntryView& entry, Epoch epoch) { take(step, entry, epoch); });
    }
  }
}

std::optional<StoreView::State> StoreView::find(const StepId& step, const std::string& key) {
  PartitionView& home = *partitions_[partition_of(step, key, partitions_.size()).value()];
  std::optional<State> found;
  for (const auto& [number, segments] : home.segments(resume_.execution.cut)) {
    if (home.catalog().steps().at(number) != step) continue;
    home.each_live(segments, [&](const EntryView& entry, Epoch epoch) {
      if (entry.key == key) found = State{epoch, std::string(*entry.state)};
    });
  }
  return found;
}

void drop_states(const std::vector<std::string>& folders, const StepId& step,
                 const std::optional<std::string>& key) {
  struct Opened {
    std::unique_ptr<FileClaim> claim;
    std::unique_ptr<SegmentStore> store;
  };
  std::vector<std::string> warnings;
  std::vector<Opened> all;
  // All are opened and checked before anything is changed.
  for (const PartitionHome& home : homes_in(folders, warnings)) {
    auto claim = std::make_unique<FileClaim>(home.path);
    auto store = std::make_unique<SegmentStore>(PartitionFile{home.path, home.identity, ""});
    all.push_back({std::move(claim), std::move(store)});
  }
  for (const Opened& each : all) {
    key ? each.store->drop(step, *key) : each.store->drop(step);
    while (each.store->wants_merge()) each.store->merge_some();
    each.store->close();
  }
}

}  // namespace cppwax::recovery
