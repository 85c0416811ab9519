// Plan -> the steps of one worker, with their logic: the only place that tells kinds of steps
// apart.
#pragma once

#include <memory>
#include <vector>

#include "engine/graph/plan.hpp"
#include "engine/operators/logic.hpp"
#include "engine/operators/probe.hpp"
#include "engine/operators/step.hpp"
#include "engine/operators/step_host.hpp"
#include "engine/progress/partition_assignment.hpp"
#include "engine/worker/wiring.hpp"

namespace cppwax::worker {

// Whether workers must tell each other their partitions of this step before it can be built.
bool is_partitioned(graph::StepKind kind);

// Belongs to one worker; used while it starts.
class DataflowBuilder {
 public:
  DataflowBuilder(const graph::Plan& plan, const operators::LogicFactory& logic,
                  operators::Seat seat, Wiring& wiring, operators::StepHost& host);

  // Builds one step, and gives the channels into it their routers. `parts` is the assignment of a
  // partitioned step's partitions, else empty. Runs user code.
  std::unique_ptr<operators::Step> build(StepIndex step, Epoch first,
                                         const progress::Assignment& parts);
  std::unique_ptr<operators::ProbeStep> build_probe(StepIndex step, Epoch first);
  // Closes the source partitions that were built for a step which then failed to be.
  void close();

 private:
  std::unique_ptr<operators::Step> build_chain(StepIndex step, Epoch first);
  std::unique_ptr<operators::Step> build_source(StepIndex step, Epoch first,
                                                const progress::Assignment& parts);
  void route_inputs(StepIndex step, const progress::Assignment& parts);
  template <class StepType, class Logic>
  std::unique_ptr<operators::Step> with_logic(StepIndex step, Epoch first,
                                              std::unique_ptr<Logic> logic);

  const graph::Plan& plan_;
  const operators::LogicFactory& logic_;
  operators::Seat seat_;
  Wiring& wiring_;
  operators::StepHost& host_;
  std::vector<std::unique_ptr<operators::SourcePart>> unplaced_;
};

}  // namespace cppwax::worker
