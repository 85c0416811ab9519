// The step that hands items to the outside: a dynamic sink, or the sink partitions of this worker.
#pragma once

#include <memory>
#include <utility>

#include "engine/operators/stateless.hpp"

namespace cppwax::operators {

class SinkStep final : public StepWithLogic<SinkLogic> {
 public:
  using StepWithLogic::StepWithLogic;

  void close() override { logic().close(); }

 protected:
  std::unique_ptr<Job> start(Epoch, data::PayloadPtr batch, Emitter&) override {
    logic().write(std::move(batch));
    return nullptr;
  }
};

}  // namespace cppwax::operators
