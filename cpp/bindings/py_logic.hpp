// Makes the logic of all steps of a run from their Python operators: the engine's LogicFactory over
// Python. Each kind of logic has a file of its own in logic/.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bindings/py_step.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

struct PyTypes;

// One for a run. Constructed and destroyed with the interpreter held; immutable in between.
class PyLogicFactory : public operators::LogicFactory {
 public:
  // `steps[i]` is the step that the plan knows as logic i. `leaves_process`: whether items do.
  PyLogicFactory(std::vector<PyStep> steps, bool leaves_process);
  ~PyLogicFactory() override;

  std::unique_ptr<operators::UserCodeScope> scope() const override;
  const data::PayloadCodec& codec() const override;

  std::unique_ptr<operators::FlatMapBatchLogic> flat_map_batch(StepIndex step,
                                                               operators::Seat seat) const override;
  std::unique_ptr<operators::BranchLogic> branch(StepIndex step,
                                                 operators::Seat seat) const override;
  std::unique_ptr<operators::InspectLogic> inspect_debug(StepIndex step,
                                                         operators::Seat seat) const override;
  std::unique_ptr<operators::KeyedBody> keyed_body(StepIndex step,
                                                   operators::Seat seat) const override;

  bool starts_now(StepIndex step) const override;
  std::vector<std::string> list_parts(StepIndex step, operators::Seat seat) const override;
  void found_no_parts(StepIndex step, operators::Seat seat) const override;
  std::unique_ptr<operators::SourcePart> source_part(
      StepIndex step, operators::Seat seat, const std::string& name,
      const std::optional<std::string>& stored) const override;
  std::unique_ptr<operators::SourcePart> dynamic_source(StepIndex step,
                                                        operators::Seat seat) const override;
  std::unique_ptr<operators::SinkLogic> dynamic_sink(StepIndex step,
                                                     operators::Seat seat) const override;
  std::unique_ptr<operators::PartitionedSinkLogic> partitioned_sink(
      StepIndex step, operators::Seat seat, const progress::Assignment& parts) const override;

  std::unique_ptr<channel::Router> key_router(StepIndex step, operators::Seat seat) const override;
  std::unique_ptr<channel::Router> partition_router(
      StepIndex step, operators::Seat seat, const progress::Assignment& parts) const override;

 protected:
  const StepId& id_of(StepIndex step) const { return at(step).id; }

 private:
  const PyStep& at(StepIndex step) const { return steps_[step.value()]; }

  std::vector<PyStep> steps_;
  std::unique_ptr<const PyTypes> types_;
  std::unique_ptr<const data::PayloadCodec> codec_;
};

}  // namespace cppwax::bindings
