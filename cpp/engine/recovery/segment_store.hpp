// One recovery partition on disk: what Partition asks for, done at once. Knows the file, its
// segments, and when to merge them; knows no threads (docs/recovery_format.md).
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/recovery/catalog.hpp"
#include "engine/recovery/merged_segments.hpp"
#include "engine/recovery/open_entries.hpp"
#include "engine/recovery/partition.hpp"
#include "engine/recovery/schema.hpp"
#include "engine/recovery/segment_writer.hpp"
#include "engine/recovery/step_segments.hpp"

namespace cppwax::recovery {

struct PartitionFile {
  std::string path;
  Identity identity;
  std::string flow_id;        // of the flow that is run; empty: any
  const char* vfs = nullptr;  // SQLite's own; tests have others
};

// How much is done at a time; tests take less.
struct StoreLimits {
  std::size_t open_bytes = 32u << 20;  // entries in memory of the open epoch
  std::size_t read_entries = 1000;     // of one batch
  std::size_t read_bytes = 1u << 20;
  std::int64_t merge_bytes = 1 << 20;  // of one slice, at the least
  MergeThresholds merge_from{};
};

// Used by one thread at a time. After an error nothing but the destructor may be called: what was
// committed is in the file. Errors of all: StoreError.
class SegmentStore {
 public:
  // Reads and checks the whole file, and changes nothing in it.
  explicit SegmentStore(const PartitionFile& file, StoreLimits limits = {});

  const History& history() const { return catalog_.history(); }
  // Steps of which some key has a state as of the cut. REQUIRES: it was not collected.
  std::set<StepId> stored_steps(Epoch cut);

  void begin(const Execution& execution);
  // REQUIRES of what follows, but for `drop`, `read` and `close`: `begin`.
  void write(Epoch epoch, const StepId& step, const Entries& entries);
  void commit(Epoch epoch);
  void collect(Epoch limit);
  // Removes all of a step, in a transaction of its own.
  void drop(const StepId& step);
  // The same of one key. Rewrites all of the step. REQUIRES: no `begin`.
  void drop(const StepId& step, const std::string& key);

  // Whether `merge_some` has something to do.
  bool wants_merge() const;
  // A slice of a merge, or of the removal of what was merged.
  void merge_some();

  // The next batch, or the end. REQUIRES: nothing is written before the end; otherwise it begins
  // anew.
  Partition::Read read();

  // Leaves one file.
  void close();

 private:
  // Of the epoch whose transaction is open.
  struct OpenStep {
    OpenEntries entries;
    std::vector<Segment> spilled;  // in the file, but not known to the catalog yet
  };
  struct Merge {
    StepNumber step;
    MergePlan plan;
    MergedSegments entries;
    SegmentWriter result;
  };
  // Blocks of a segment that was merged or dropped.
  struct Remains {
    std::int64_t segment;
    std::int64_t next_block;
    std::int64_t blocks;
    std::int64_t bytes;
  };
  struct Load {
    StepNumber step = 0;
    std::optional<MergedSegments> entries;
    std::int64_t live_entries = 0;
    std::int64_t live_bytes = 0;
  };

  void require_flow();
  void settle_log(const std::string& doing);
  void spill();
  Segment write_sorted(StepNumber step, Epoch epoch, OpenEntries& entries);
  void require_storable(const StepId& step, const Entry& entry);
  void arrange_segments();
  void start_merge();
  void advance_merge(std::int64_t budget_bytes);
  void end_merge(Transaction& transaction);
  void remove_remains(std::int64_t budget_bytes);
  std::vector<Segment> segments_of(const StepId& step) const;
  Segment rewrite_without(const Segment& segment, const std::string& key);
  void leave_remains(const std::vector<Segment>& segments);
  bool open_next_step();

  PartitionFile file_;
  StoreLimits limits_;
  Database database_;
  bool log_is_settled_ = false;
  int version_;
  Catalog catalog_;
  BlockFile blocks_;
  std::map<StepNumber, StepSegments> segments_;
  std::int64_t next_segment_ = 1;

  std::map<StepId, OpenStep> open_;
  std::optional<Epoch> open_epoch_;
  std::size_t open_bytes_ = 0;

  Epoch limit_{};
  std::optional<Merge> merge_;
  std::deque<Remains> remains_;
  std::int64_t written_bytes_ = 0;  // since the last slice
  std::optional<Load> load_;
};

}  // namespace cppwax::recovery
