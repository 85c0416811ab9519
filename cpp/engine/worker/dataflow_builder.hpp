// Plan -> the steps of one worker, with their logic: the only place that tells kinds of steps
// apart.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/graph/plan.hpp"
#include "engine/operators/inner_step.hpp"
#include "engine/operators/logic.hpp"
#include "engine/operators/probe.hpp"
#include "engine/operators/snapshot_loader.hpp"
#include "engine/operators/snapshot_writer.hpp"
#include "engine/operators/source.hpp"
#include "engine/operators/step.hpp"
#include "engine/operators/step_host.hpp"
#include "engine/progress/partition_assignment.hpp"
#include "engine/worker/meters.hpp"
#include "engine/worker/wiring.hpp"

namespace cppwax::worker {

// Whether workers must tell each other their partitions of this step before it can be built.
bool is_partitioned(graph::StepKind kind);

// What a worker knows when its steps are built; both lists by step of the plan.
struct Beginning {
  Epoch first = kFirstEpoch;
  std::vector<progress::Assignment> assignments;
  // Of source partitions, by name, as they were stored.
  std::vector<std::map<std::string, std::string>> positions;
};

// Belongs to one worker; used while it starts.
class DataflowBuilder {
 public:
  DataflowBuilder(const graph::Plan& plan, const operators::LogicFactory& logic,
                  operators::Seat seat, Wiring& wiring, operators::StepHost& host);

  // What is built from now on counts what it does.
  void meter_in(WorkerMeters& meters) { meters_ = &meters; }

  // Lets a source fail that has no partition on any worker. Runs user code.
  void check_parts(StepIndex step, const Beginning& beginning) const;
  // Builds one step, and gives the channels into it their routers. Runs user code.
  std::unique_ptr<operators::Step> build(StepIndex step, const Beginning& beginning);
  std::unique_ptr<operators::ProbeStep> build_probe(StepIndex step, Epoch first);

  // The steps of recovery; `step` is of their kind.
  std::unique_ptr<operators::SnapshotWriterStep> build_writer(StepIndex step,
                                                              const operators::StoreAccess& store);
  std::unique_ptr<operators::SnapshotLoaderStep> build_loader(StepIndex step,
                                                              const operators::StoreAccess& store,
                                                              const Beginning& beginning);
  std::unique_ptr<operators::RestoreStep> build_restore(StepIndex step, Epoch first,
                                                        operators::RestoreStep::Restore restore);
  // Whether the flow has a source that starts now; the same on every worker.
  bool any_starts_now() const;
  // Closes the source partitions that were built for a step which then failed to be.
  void close();

 private:
  operators::Wires wires(StepIndex step);
  operators::Outputs outputs(StepIndex step);
  operators::Meter* meter_of(const StepId& step);
  std::unique_ptr<operators::Step> build_chain(StepIndex step, Epoch first);
  std::unique_ptr<operators::Step> build_source(StepIndex step, const Beginning& beginning);
  // Where a stored entry belongs now.
  WorkerIndex owner_of_entry(const StepId& step, const recovery::Entry& entry,
                             const Beginning& beginning) const;
  void route_inputs(StepIndex step, const progress::Assignment& parts);
  void route_entries(StepIndex to, const operators::EntryRouter::Owner& owner);
  template <class StepType, class Logic>
  std::unique_ptr<operators::Step> with_logic(StepIndex step, Epoch first,
                                              std::unique_ptr<Logic> logic);

  const graph::Plan& plan_;
  const operators::LogicFactory& logic_;
  operators::Seat seat_;
  Wiring& wiring_;
  operators::StepHost& host_;
  WorkerMeters* meters_ = nullptr;  // null: nobody watches
  std::vector<operators::SourceStep::Named> unplaced_;
};

}  // namespace cppwax::worker
