// What a recovery partition says of itself: executions, epochs, steps and segments, each row with a
// checksum, and one row that vouches for all others. Without it a row that damage has hidden would
// not be missed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/recovery/partition.hpp"
#include "engine/recovery/sqlite.hpp"

namespace cppwax::recovery {

// The number of a step within one file.
using StepNumber = std::int64_t;

// The entries of one step and epoch, or what a merge made of several: a sorted sequence, kept in
// blocks. Its age is (epoch, id).
struct Segment {
  std::int64_t id = 0;
  StepNumber step = 0;
  Epoch epoch{};
  std::int64_t blocks = 0;
  std::int64_t entries = 0;  // discards included
  std::int64_t discards = 0;
  std::int64_t bytes = 0;
};

// Used by one thread. What the methods change is in memory and in the open transaction; after an
// error the object is of no use any more.
class Catalog {
 public:
  // Reads and checks all. Errors of all: StoreError.
  explicit Catalog(Database& database);
  // That of a new file.
  static void create(Database& database);

  const History& history() const { return history_; }
  // Empty: no run has begun yet.
  const std::string& flow_id() const { return flow_id_; }
  const std::map<StepNumber, StepId>& steps() const { return steps_; }
  // By id.
  const std::map<std::int64_t, Segment>& segments() const { return segments_; }

  // REQUIRES of all that follow: an open transaction.
  StepNumber number_of(const StepId& step);
  void add(const Segment& segment);
  void remove(std::int64_t segment_id);
  // The flow's first execution also says whose the store is.
  void begin(const Execution& execution, const std::string& flow_id);
  void set_durable(Epoch epoch);
  void set_collected(Epoch epoch) { history_.collected = std::max(history_.collected, epoch); }
  // Writes the row that vouches for all others; the last call before a commit.
  void save();

 private:
  void read_head();
  void read_executions();
  void read_steps();
  void read_segments();
  void count_row(std::int64_t checksum);

  Database& database_;
  History history_;
  std::string flow_id_;
  std::map<StepNumber, StepId> steps_;
  std::map<StepId, StepNumber> numbers_;
  std::map<std::int64_t, Segment> segments_;
  std::int64_t row_count_ = 0;
  std::uint64_t row_digest_ = 0;  // the sum of the rows' checksums
};

}  // namespace cppwax::recovery
