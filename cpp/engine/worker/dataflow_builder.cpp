#include "engine/worker/dataflow_builder.hpp"

#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/first_failure.hpp"
#include "engine/operators/chain.hpp"
#include "engine/operators/sink.hpp"
#include "engine/operators/source.hpp"
#include "engine/operators/stateful_batch.hpp"
#include "engine/operators/stateless.hpp"

namespace cppwax::worker {

using graph::Route;
using graph::StepKind;

namespace {

// Errors of `use` are errors of this step.
template <class Use>
void on_behalf_of(const StepId& step, Use&& use) {
  try {
    std::forward<Use>(use)();
  } catch (Error& error) {
    if (error.context.step.empty()) error.context.step = step;
    throw;
  }
}

// An item that cannot be routed is an error of the step it was going to, not of the one above that
// happens to send it.
class RouterOfStep final : public channel::Router {
 public:
  RouterOfStep(StepId step, std::unique_ptr<channel::Router> router)
      : step_(std::move(step)), router_(std::move(router)) {}

  void split(data::PayloadPtr batch, std::vector<data::PayloadPtr>& parts) override {
    on_behalf_of(step_, [&] { router_->split(std::move(batch), parts); });
  }

 private:
  StepId step_;
  std::unique_ptr<channel::Router> router_;
};

}  // namespace

bool is_partitioned(StepKind kind) {
  return kind == StepKind::kSourcePartitioned || kind == StepKind::kSinkPartitioned;
}

DataflowBuilder::DataflowBuilder(const graph::Plan& plan, const operators::LogicFactory& logic,
                                 operators::Seat seat, Wiring& wiring, operators::StepHost& host)
    : plan_(plan), logic_(logic), seat_(seat), wiring_(wiring), host_(host) {}

template <class StepType, class Logic>
std::unique_ptr<operators::Step> DataflowBuilder::with_logic(StepIndex step, Epoch first,
                                                             std::unique_ptr<Logic> logic) {
  return std::make_unique<StepType>(std::move(logic), wiring_.inputs(step), wiring_.outputs(step),
                                    host_, first);
}

std::unique_ptr<operators::Step> DataflowBuilder::build(StepIndex step, Epoch first,
                                                        const progress::Assignment& parts) {
  using namespace operators;
  route_inputs(step, parts);
  const StepKind kind = plan_.step(step).kind;
  const StepIndex logic = plan_.step(step).logic;
  switch (kind) {
    case StepKind::kSourcePartitioned:
    case StepKind::kSourceDynamic:
      return build_source(step, first, parts);
    case StepKind::kNoop:
    case StepKind::kMerge:
    case StepKind::kRedistribute:
      return std::make_unique<PassOnStep>(wiring_.inputs(step), wiring_.outputs(step), host_,
                                          first);
    case StepKind::kFlatMapBatch:
      return with_logic<FlatMapBatchStep>(step, first, logic_.flat_map_batch(logic, seat_));
    case StepKind::kBranch:
      return with_logic<BranchStep>(step, first, logic_.branch(logic, seat_));
    case StepKind::kInspectDebug:
      return with_logic<InspectDebugStep>(step, first, logic_.inspect_debug(logic, seat_));
    case StepKind::kStatefulBatch:
      return with_logic<StatefulBatchStep>(step, first, logic_.keyed_body(logic, seat_));
    case StepKind::kSinkPartitioned:
      return with_logic<SinkStep>(step, first, logic_.partitioned_sink(logic, seat_, parts));
    case StepKind::kSinkDynamic:
      return with_logic<SinkStep>(step, first, logic_.dynamic_sink(logic, seat_));
    case StepKind::kChain:
      return build_chain(step, first);
    case StepKind::kProbe:
      break;  // build_probe
  }
  ENGINE_ASSERT(false, graph::name_of(kind));
  return nullptr;
}

std::unique_ptr<operators::ProbeStep> DataflowBuilder::build_probe(StepIndex step, Epoch first) {
  return std::make_unique<operators::ProbeStep>(wiring_.inputs(step), first);
}

std::unique_ptr<operators::Step> DataflowBuilder::build_chain(StepIndex step, Epoch first) {
  std::vector<operators::Link> links;
  for (const graph::ChainLink& link : plan_.step(step).links) {
    operators::Link& built = links.emplace_back(operators::Link{link.id, nullptr, nullptr});
    on_behalf_of(link.id, [&] {
      if (link.kind == StepKind::kFlatMapBatch) {
        built.flat_map = logic_.flat_map_batch(link.logic, seat_);
      } else if (link.kind == StepKind::kInspectDebug) {
        built.inspect = logic_.inspect_debug(link.logic, seat_);
      }
    });
  }
  return std::make_unique<operators::ChainStep>(std::move(links), wiring_.inputs(step),
                                                wiring_.outputs(step), host_, first);
}

std::unique_ptr<operators::Step> DataflowBuilder::build_source(StepIndex step, Epoch first,
                                                               const progress::Assignment& parts) {
  const StepIndex logic = plan_.step(step).logic;
  if (plan_.step(step).kind == StepKind::kSourceDynamic) {
    unplaced_.push_back(logic_.dynamic_source(logic, seat_));
  }
  for (const auto& [name, owner] : parts) {
    if (owner == seat_.worker) unplaced_.push_back(logic_.source_part(logic, seat_, name));
  }
  return std::make_unique<operators::SourceStep>(std::exchange(unplaced_, {}),
                                                 wiring_.outputs(step), host_, first);
}

void DataflowBuilder::close() {
  FirstFailure first;
  for (auto& part : std::exchange(unplaced_, {})) first.attempt([&] { part->close(); });
  first.rethrow();
}

// With one worker all items are at their place already.
void DataflowBuilder::route_inputs(StepIndex step, const progress::Assignment& parts) {
  if (seat_.worker_count == 1) return;
  const StepIndex logic = plan_.step(step).logic;
  for (ChannelIndex in : plan_.step(step).in_channels) {
    std::unique_ptr<channel::Router> router;
    switch (plan_.channel(in).route) {
      case Route::kKeyed:
        router = logic_.key_router(logic, seat_);
        break;
      case Route::kPartitioned:
        router = logic_.partition_router(logic, seat_, parts);
        break;
      case Route::kBalanced:
        router = std::make_unique<channel::BalancedRouter>(seat_.worker_count, seat_.worker);
        break;
      case Route::kLocal:
      case Route::kEverywhere:
        continue;
    }
    wiring_.sender(in).route_by(
        std::make_unique<RouterOfStep>(plan_.step(step).id, std::move(router)));
  }
}

}  // namespace cppwax::worker
