#include "engine/worker/dataflow_builder.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/first_failure.hpp"
#include "engine/base/stable_hash.hpp"
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

operators::Meter* DataflowBuilder::meter_of(const StepId& step) {
  return meters_ ? meters_->find(step) : nullptr;
}

operators::Outputs DataflowBuilder::outputs(StepIndex step) {
  operators::Outputs outputs = wiring_.outputs(step);
  outputs.count_in(meter_of(graph::last_id(plan_.step(step))), host_.clock());
  return outputs;
}

operators::Wires DataflowBuilder::wires(StepIndex step) {
  operators::Meter* const meter = meter_of(graph::first_id(plan_.step(step)));
  auto inputs = wiring_.inputs(step);
  if (meter) {
    const auto window = static_cast<std::uint64_t>(wiring_.window().items);
    meter->set_room(channel::count_senders(inputs) * window);
  }
  return {plan_.step(step).id, std::move(inputs), outputs(step), meter};
}

template <class StepType, class Logic>
std::unique_ptr<operators::Step> DataflowBuilder::with_logic(StepIndex step, Epoch first,
                                                             std::unique_ptr<Logic> logic) {
  return std::make_unique<StepType>(std::move(logic), wires(step), host_, first);
}

void DataflowBuilder::check_parts(StepIndex step, const Beginning& beginning) const {
  const graph::Step& planned = plan_.step(step);
  if (planned.kind != StepKind::kSourcePartitioned) return;
  if (beginning.assignments[step.value()].empty()) logic_.found_no_parts(planned.logic, seat_);
}

std::unique_ptr<operators::Step> DataflowBuilder::build(StepIndex step,
                                                        const Beginning& beginning) {
  using namespace operators;
  const progress::Assignment& parts = beginning.assignments[step.value()];
  const Epoch first = beginning.first;
  route_inputs(step, parts);
  const StepKind kind = plan_.step(step).kind;
  const StepIndex logic = plan_.step(step).logic;
  switch (kind) {
    case StepKind::kSourcePartitioned:
    case StepKind::kSourceDynamic:
      return build_source(step, beginning);
    case StepKind::kNoop:
    case StepKind::kMerge:
    case StepKind::kRedistribute:
      return std::make_unique<PassOnStep>(wires(step), host_, first);
    case StepKind::kFlatMapBatch:
      return with_logic<FlatMapBatchStep>(step, first, logic_.flat_map_batch(logic, seat_));
    case StepKind::kBranch:
      return with_logic<BranchStep>(step, first, logic_.branch(logic, seat_));
    case StepKind::kInspectDebug:
      return with_logic<InspectDebugStep>(step, first, logic_.inspect_debug(logic, seat_));
    case StepKind::kStatefulBatch:
      return with_logic<StatefulBatchStep>(step, first, logic_.keyed_body(logic, seat_));
    case StepKind::kSinkPartitioned:
      return with_logic<PartitionedSinkStep>(step, first,
                                             logic_.partitioned_sink(logic, seat_, parts));
    case StepKind::kSinkDynamic:
      return with_logic<DynamicSinkStep>(step, first, logic_.dynamic_sink(logic, seat_));
    case StepKind::kChain:
      return build_chain(step, first);
    case StepKind::kProbe:
    case StepKind::kSnapshotLoader:
    case StepKind::kRestore:
    case StepKind::kSnapshotWriter:
      break;  // they have builders of their own
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
    operators::Link& built =
        links.emplace_back(operators::Link{link.id, nullptr, nullptr, meter_of(link.id)});
    on_behalf_of(link.id, [&] {
      if (link.kind == StepKind::kFlatMapBatch) {
        built.flat_map = logic_.flat_map_batch(link.logic, seat_);
      } else if (link.kind == StepKind::kInspectDebug) {
        built.inspect = logic_.inspect_debug(link.logic, seat_);
      }
    });
  }
  return std::make_unique<operators::ChainStep>(std::move(links), wires(step), host_, first);
}

std::unique_ptr<operators::Step> DataflowBuilder::build_source(StepIndex step,
                                                               const Beginning& beginning) {
  const StepIndex logic = plan_.step(step).logic;
  if (plan_.step(step).kind == StepKind::kSourceDynamic) {
    unplaced_.push_back({"", logic_.dynamic_source(logic, seat_)});
  }
  const auto& positions = beginning.positions[step.value()];
  for (const auto& [name, owner] : beginning.assignments[step.value()]) {
    if (owner != seat_.worker) continue;
    const auto stored = positions.find(name);
    const auto position =
        stored == positions.end() ? std::nullopt : std::optional<std::string>(stored->second);
    unplaced_.push_back({name, logic_.source_part(logic, seat_, name, position),
                         !position && logic_.starts_now(logic)});
  }
  return std::make_unique<operators::SourceStep>(plan_.step(step).id, std::exchange(unplaced_, {}),
                                                 outputs(step), host_, beginning.first);
}

bool DataflowBuilder::any_starts_now() const {
  return std::any_of(plan_.steps().begin(), plan_.steps().end(), [this](const graph::Step& step) {
    return step.kind == StepKind::kSourcePartitioned && logic_.starts_now(step.logic);
  });
}

std::unique_ptr<operators::SnapshotWriterStep> DataflowBuilder::build_writer(
    StepIndex step, const operators::StoreAccess& store) {
  route_entries(step, [&store](const StepId& id, const recovery::Entry& entry) {
    const auto part = recovery::partition_of(id, entry.key, store.primaries.size());
    return store.primaries[part.value()];
  });
  const ChannelIndex out = plan_.step(step).out_channels[0][0];
  return std::make_unique<operators::SnapshotWriterStep>(wiring_.inputs(step), wiring_.sender(out),
                                                         store);
}

std::unique_ptr<operators::SnapshotLoaderStep> DataflowBuilder::build_loader(
    StepIndex step, const operators::StoreAccess& store, const Beginning& beginning) {
  const ChannelIndex out = plan_.step(step).out_channels[0][0];
  route_entries(plan_.channel(out).to,
                [this, &beginning](const StepId& id, const recovery::Entry& entry) {
                  return owner_of_entry(id, entry, beginning);
                });
  return std::make_unique<operators::SnapshotLoaderStep>(wiring_.sender(out), store);
}

std::unique_ptr<operators::RestoreStep> DataflowBuilder::build_restore(
    StepIndex step, Epoch first, operators::RestoreStep::Restore restore) {
  return std::make_unique<operators::RestoreStep>(*wiring_.inputs(step)[0], std::move(restore),
                                                  first);
}

// With one worker all entries are at their place already.
void DataflowBuilder::route_entries(StepIndex to, const operators::EntryRouter::Owner& owner) {
  if (seat_.worker_count == 1) return;
  for (ChannelIndex in : plan_.step(to).in_channels) {
    wiring_.sender(in).route_by(std::make_unique<operators::EntryRouter>(owner));
  }
}

// Of steps that the flow does not have any more, or that keep no state in it, somebody takes the
// entries and drops them: what is lost with them was told before the run. Of partitions that are
// not listed, somebody refuses them.
WorkerIndex DataflowBuilder::owner_of_entry(const StepId& step, const recovery::Entry& entry,
                                            const Beginning& beginning) const {
  const auto index = plan_.find(step);
  if (!index) return seat_.worker;
  const StepKind kind = plan_.step(*index).kind;
  if (kind == StepKind::kStatefulBatch) {
    return owner_of(stable_hash(entry.key), seat_.worker_count);
  }
  const progress::Assignment& parts = beginning.assignments[index->value()];
  const auto owner = parts.find(entry.key);
  return owner == parts.end() ? seat_.worker : owner->second;
}

void DataflowBuilder::close() {
  FirstFailure first;
  for (auto& part : std::exchange(unplaced_, {})) first.attempt([&] { part.source->close(); });
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
      case Route::kStored:
      case Route::kRestored:
        continue;
    }
    wiring_.sender(in).route_by(
        std::make_unique<RouterOfStep>(plan_.step(step).id, std::move(router)));
  }
}

}  // namespace cppwax::worker
