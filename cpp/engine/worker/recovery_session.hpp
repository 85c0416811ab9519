// The recovery store of a run: its partitions from the opening to the closing, and where the run
// goes on from, agreed on by all processes (docs/progress_and_snapshots.md P13-P15).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/graph/plan.hpp"
#include "engine/operators/store_access.hpp"
#include "engine/recovery/resume.hpp"
#include "engine/recovery/sqlite_partition.hpp"
#include "engine/recovery/store_folder.hpp"
#include "engine/transport/reports.hpp"
#include "engine/worker/store_reports.hpp"

namespace cppwax::worker {

struct RecoverySettings {
  std::string folder;
  // How many epochs more than the last one are kept.
  std::uint64_t backup_epochs = 0;
  // States of steps that the flow does not have (any more), or that keep none there, are removed;
  // else they are left alone.
  bool drop_strange_states = false;
  // With them, the run is refused unless they are dropped.
  bool refuse_strange_states = false;
};

// Which of the run's processes this is.
struct Place {
  ProcessIndex process{};
  std::uint32_t workers_per_process = 1;
};

// Tells all processes and gives what they tell; nothing if that came to no end.
using Gather = std::function<std::optional<transport::ReportRound>(transport::Report)>;

// That of an only process.
inline std::optional<transport::ReportRound> gather_alone(transport::Report own) {
  transport::ReportRound round;
  round.push_back(std::move(own));
  return round;
}

// Used by the thread that runs the runtime; the partitions by their workers in between.
class RecoverySession {
 public:
  explicit RecoverySession(RecoverySettings settings) : settings_(std::move(settings)) {}
  RecoverySession(const RecoverySession&) = delete;
  RecoverySession& operator=(const RecoverySession&) = delete;

  // Opens what of the store falls to this process, and begins an execution. Called once, on all
  // processes of the run. Returns whether it came to an end. `plan` is the flow's, of whatever
  // steps are fused.
  // Errors: RecoveryError, the same on all processes; the store is as it was then. TransportError.
  bool open(const graph::Plan& plan, const Place& place, const Gather& gather);

  // Of a worker of this process, counted from 0.
  const operators::StoreAccess& access(std::size_t worker) const { return accesses_[worker]; }
  // What the user should know of it: a line each.
  const std::vector<std::string>& warnings() const { return warnings_; }
  // The epoch that the run goes on from.
  Epoch cut() const { return accesses_[0].execution().cut; }

  // `call` is told that a worker's partition has got on; any thread. Empty: nobody is told, from
  // the return on.
  void on_progress(const std::function<void(std::size_t worker)>& call);
  // Leaves the files whole; what is not durable is lost. Errors: RecoveryError.
  void close();

 private:
  // A partition of the store, and the worker that is its primary.
  struct Home {
    recovery::PartitionHome at;
    WorkerIndex primary;
  };
  // One of those with their primary on this process.
  struct Own {
    RecoveryPartitionIndex index;
    std::size_t worker;  // of this process
    std::unique_ptr<recovery::SqlitePartition> partition;
  };

  bool open_all(const graph::Plan& plan, const Place& place, const Gather& gather);
  SightReport look();
  static std::vector<Home> find_homes(const std::vector<SightReport>& sights, const Place& place);
  HistoryReport open_own(const std::vector<Home>& homes, const std::string& flow_id,
                         const Place& place);
  recovery::Resume find_resume(const std::vector<HistoryReport>& reports, const Place& place,
                               std::size_t partition_count);
  StepsReport stored_steps(Epoch cut);
  std::set<StepId> steps_to_drop(const graph::Plan& plan, const Place& place,
                                 const std::vector<SightReport>& sights,
                                 const std::vector<StepsReport>& stored);
  void begin_own(const recovery::Execution& execution, const std::set<StepId>& to_drop);
  void give_to_workers(const std::vector<Home>& homes, const recovery::Resume& resume,
                       const Place& place);

  RecoverySettings settings_;
  std::vector<Own> own_;
  std::vector<operators::StoreAccess> accesses_;  // by worker of this process
  std::vector<std::string> warnings_;
};

}  // namespace cppwax::worker
