// The steps without keys: flat_map_batch, branch, inspect_debug, and those that only pass items on
// (_noop, merge, redistribute: what tells them apart lies in their channels).
#pragma once

#include <memory>
#include <utility>

#include "engine/operators/inner_step.hpp"

namespace cppwax::operators {

class PassOnStep final : public InnerStep {
 public:
  using InnerStep::InnerStep;

 protected:
  std::unique_ptr<Job> start(Epoch, data::PayloadPtr batch, Emitter& out) override {
    out.emit(std::move(batch));
    return nullptr;
  }
  bool calls_user_code() const override { return false; }
};

template <class Logic>
class StepWithLogic : public InnerStep {
 public:
  StepWithLogic(std::unique_ptr<Logic> logic, Wires wires, StepHost& host, Epoch first)
      : InnerStep(std::move(wires), host, first), logic_(std::move(logic)) {}

 protected:
  Logic& logic() { return *logic_; }
  const Logic& logic() const { return *logic_; }

  bool sees_batches() const override {
    if constexpr (requires(const Logic& asked) { asked.sees_batches(); }) {
      return logic_->sees_batches();
    }
    return false;
  }

  // Lets a new job use up the slice at hand; null when it is through.
  static std::unique_ptr<Job> begin(std::unique_ptr<Job> job, Emitter& out) {
    if (job && job->run(out) == Work::kDone) job.reset();
    return job;
  }

 private:
  std::unique_ptr<Logic> logic_;
};

class FlatMapBatchStep final : public StepWithLogic<FlatMapBatchLogic> {
 public:
  using StepWithLogic::StepWithLogic;

 protected:
  std::unique_ptr<Job> start(Epoch, data::PayloadPtr batch, Emitter& out) override {
    return begin(logic().start(std::move(batch)), out);
  }
};

class BranchStep final : public StepWithLogic<BranchLogic> {
 public:
  using StepWithLogic::StepWithLogic;

 protected:
  std::unique_ptr<Job> start(Epoch, data::PayloadPtr batch, Emitter& out) override {
    Branches branches = logic().split(std::move(batch));
    out.emit(0, std::move(branches.trues));
    out.emit(1, std::move(branches.falses));
    return nullptr;
  }
};

class InspectDebugStep final : public StepWithLogic<InspectLogic> {
 public:
  using StepWithLogic::StepWithLogic;

 protected:
  std::unique_ptr<Job> start(Epoch epoch, data::PayloadPtr batch, Emitter& out) override {
    logic().inspect(*batch, epoch);
    out.emit(std::move(batch));
    return nullptr;
  }
};

}  // namespace cppwax::operators
