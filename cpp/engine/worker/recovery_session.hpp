// The recovery store of a run of one process: its partitions from the opening to the closing, and
// where the run goes on from (docs/progress_and_snapshots.md P13-P15).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/graph/plan.hpp"
#include "engine/operators/store_access.hpp"
#include "engine/recovery/resume.hpp"
#include "engine/recovery/sqlite_partition.hpp"

namespace cppwax::worker {

struct RecoverySettings {
  std::string folder;
  // How many epochs more than the last one are kept.
  std::uint64_t backup_epochs = 0;
  // States of steps that the flow does not have (any more) are removed; else they are left alone.
  bool drop_strange_states = false;
  // With them, the run is refused unless they are dropped.
  bool refuse_strange_states = false;
};

// Used by the thread that runs the runtime; the partitions by their workers in between.
class RecoverySession {
 public:
  // Opens the store and begins an execution. `plan` is the flow's, of whatever steps are fused.
  // Errors: RecoveryError; the store is as it was then.
  RecoverySession(RecoverySettings settings, const graph::Plan& plan, std::uint32_t worker_count);
  RecoverySession(const RecoverySession&) = delete;
  RecoverySession& operator=(const RecoverySession&) = delete;

  const operators::StoreAccess& access(std::size_t worker) const { return accesses_[worker]; }
  // What the user should know of it: a line each.
  const std::vector<std::string>& warnings() const { return warnings_; }

  // `call` is told that a worker's partition has got on; any thread. Empty: nobody is told, from
  // the return on.
  void on_progress(const std::function<void(std::size_t worker)>& call);
  // Leaves the files whole; what is not durable is lost. Errors: RecoveryError.
  void close();

 private:
  void open(const std::string& flow_id);
  void look_at_strange_states(const graph::Plan& plan);
  void give_to_workers(const recovery::Resume& resume, std::uint32_t worker_count);

  RecoverySettings settings_;
  std::vector<std::unique_ptr<recovery::SqlitePartition>> partitions_;
  std::vector<operators::StoreAccess> accesses_;  // by worker
  std::vector<std::string> warnings_;
};

}  // namespace cppwax::worker
