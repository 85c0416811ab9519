// The steps that hand items to the outside: a dynamic sink, or the sink partitions of this worker.
#pragma once

#include <memory>
#include <utility>

#include "engine/operators/stateless.hpp"

namespace cppwax::operators {

template <class Logic>
class WritingStep : public StepWithLogic<Logic> {
 public:
  using StepWithLogic<Logic>::StepWithLogic;

  void committed(Epoch epoch) override { this->logic().committed(epoch); }
  void close() override { this->logic().close(); }

 protected:
  std::unique_ptr<Job> start(Epoch, data::PayloadPtr batch, Emitter&) override {
    this->logic().write(std::move(batch));
    return nullptr;
  }
  void end_epoch() override { this->logic().end_epoch(); }
};

using DynamicSinkStep = WritingStep<SinkLogic>;

class PartitionedSinkStep final : public WritingStep<PartitionedSinkLogic> {
 public:
  using WritingStep::WritingStep;

  void restore(recovery::Entries entries) override { logic().restore(std::move(entries)); }
  void resume() override { logic().build_others(); }

 protected:
  std::unique_ptr<Job> start(Epoch epoch, data::PayloadPtr batch, Emitter&) override {
    logic().in_epoch(epoch);
    logic().write(std::move(batch));
    return nullptr;
  }
  Storable* storable() override { return &logic(); }
};

}  // namespace cppwax::operators
