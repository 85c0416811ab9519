// Several stateless steps that run as one (graph/fusion.hpp): step by step over the whole batch, so
// that side effects, their order and the failing step are those of separate steps.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/operators/inner_step.hpp"

namespace cppwax::operators {

// One step of a chain: a flat_map_batch, an inspect_debug, or (neither) one that only passes on.
struct Link {
  StepId id;
  std::unique_ptr<FlatMapBatchLogic> flat_map;
  std::unique_ptr<InspectLogic> inspect;
  Meter* meter = nullptr;  // null: nobody watches
};

class ChainStep final : public InnerStep {
 public:
  ChainStep(std::vector<Link> links, Wires wires, StepHost& host, Epoch first)
      : InnerStep(std::move(wires), host, first), clock_(host.clock()), links_(std::move(links)) {}

 protected:
  std::unique_ptr<Job> start(Epoch epoch, data::PayloadPtr batch, Emitter& out) override;
  // Of each link by itself.
  bool calls_user_code() const override { return false; }

 private:
  class ChainJob;

  const Clock& clock_;
  std::vector<Link> links_;
};

}  // namespace cppwax::operators
