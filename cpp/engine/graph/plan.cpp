#include "engine/graph/plan.hpp"

#include <algorithm>
#include <functional>
#include <queue>
#include <unordered_map>
#include <utility>

#include "engine/base/error.hpp"

namespace cppwax::graph {

namespace {

// By step, by input: the step that it depends on. Steps by their places of adding.
using Dependencies = std::vector<std::vector<std::size_t>>;

Route route_to(StepKind consumer) {
  switch (consumer) {
    case StepKind::kStatefulBatch:
      return Route::kKeyed;
    case StepKind::kSinkPartitioned:
      return Route::kPartitioned;
    case StepKind::kRedistribute:
      return Route::kBalanced;
    case StepKind::kProbe:
      return Route::kEverywhere;
    case StepKind::kSnapshotWriter:
      return Route::kStored;
    case StepKind::kRestore:
      return Route::kRestored;
    default:
      return Route::kLocal;
  }
}

bool ports_fit(StepKind kind, std::size_t inputs, std::size_t outputs) {
  if (is_source(kind)) return inputs == 0 && outputs == 1;
  if (is_sink(kind)) return inputs == 1 && outputs == 0;
  if (kind == StepKind::kMerge) return inputs >= 1 && outputs == 1;
  if (kind == StepKind::kBranch) return inputs == 1 && outputs == 2;
  return kind < StepKind::kProbe && inputs == 1 && outputs == 1;
}

bool ends_a_flow(StepKind kind) {
  return is_sink(kind) || kind == StepKind::kInspectDebug;
}

// The steps in topological order, of those that may come next always the first added. Steps on or
// behind a cycle are missing.
std::vector<std::size_t> sort_topologically(const Dependencies& dependencies) {
  std::vector<std::vector<std::size_t>> consumers(dependencies.size());
  std::vector<std::size_t> missing(dependencies.size());
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t step = 0; step < dependencies.size(); ++step) {
    missing[step] = dependencies[step].size();
    if (missing[step] == 0) ready.push(step);
    for (const std::size_t producer : dependencies[step]) consumers[producer].push_back(step);
  }
  std::vector<std::size_t> sorted;
  while (!ready.empty()) {
    const std::size_t step = ready.top();
    ready.pop();
    sorted.push_back(step);
    for (const std::size_t consumer : consumers[step]) {
      if (--missing[consumer] == 0) ready.push(consumer);
    }
  }
  return sorted;
}

// The steps of one cycle, each consuming from the one named after it. REQUIRES: there is one, and
// `sorted` is what sort_topologically gave.
std::vector<std::size_t> find_cycle(const Dependencies& dependencies,
                                    const std::vector<std::size_t>& sorted) {
  std::vector<bool> left(dependencies.size(), true);
  for (const std::size_t step : sorted) left[step] = false;
  // A step that is left waits for another one that is left: going back comes to some step again.
  auto step = static_cast<std::size_t>(std::find(left.begin(), left.end(), true) - left.begin());
  std::vector<std::size_t> path;
  auto again = path.end();
  while ((again = std::find(path.begin(), path.end(), step)) == path.end()) {
    path.push_back(step);
    const auto& producers = dependencies[step];
    step = *std::find_if(producers.begin(), producers.end(), [&](auto p) { return left[p]; });
  }
  path.erase(path.begin(), again);
  return path;
}

}  // namespace

const char* name_of(StepKind kind) {
  switch (kind) {
    case StepKind::kNoop:
      return "_noop";
    case StepKind::kBranch:
      return "branch";
    case StepKind::kFlatMapBatch:
      return "flat_map_batch";
    case StepKind::kInspectDebug:
      return "inspect_debug";
    case StepKind::kMerge:
      return "merge";
    case StepKind::kRedistribute:
      return "redistribute";
    case StepKind::kStatefulBatch:
      return "stateful_batch";
    case StepKind::kSourcePartitioned:
      return "source_partitioned";
    case StepKind::kSourceDynamic:
      return "source_dynamic";
    case StepKind::kSinkPartitioned:
      return "sink_partitioned";
    case StepKind::kSinkDynamic:
      return "sink_dynamic";
    case StepKind::kProbe:
      return "probe";
    case StepKind::kChain:
      return "chain";
    case StepKind::kSnapshotLoader:
      return "snapshot_loader";
    case StepKind::kRestore:
      return "restore";
    case StepKind::kSnapshotWriter:
      return "snapshot_writer";
  }
  return "unknown";
}

bool is_source(StepKind kind) {
  return kind == StepKind::kSourcePartitioned || kind == StepKind::kSourceDynamic;
}

bool is_sink(StepKind kind) {
  return kind == StepKind::kSinkPartitioned || kind == StepKind::kSinkDynamic;
}

bool keeps_state(StepKind kind) {
  return kind == StepKind::kStatefulBatch || kind == StepKind::kSourcePartitioned ||
         kind == StepKind::kSinkPartitioned;
}

PlanBuilder::PlanBuilder(std::string flow_id) : flow_id_(std::move(flow_id)) {}

StepIndex PlanBuilder::add(StepId id, StepKind kind, std::vector<std::string> inputs,
                           std::vector<std::string> outputs) {
  ENGINE_ASSERT(ports_fit(kind, inputs.size(), outputs.size()), id, name_of(kind), inputs.size(),
                outputs.size());
  const bool known =
      std::any_of(added_.begin(), added_.end(), [&](const Added& other) { return other.id == id; });
  if (known) throw ConfigError("step '" + id + "' is in the flow twice; rename one of the two");
  for (std::size_t port = 0; port < outputs.size(); ++port) {
    const auto [taken, is_new] = streams_.try_emplace(outputs[port], added_.size(), port);
    if (is_new) continue;
    const std::size_t other = taken->second.step;
    throw ConfigError("steps '" + (other < added_.size() ? added_[other].id : id) + "' and '" + id +
                      "' both produce the stream '" + outputs[port] + "'; rename one of them");
  }
  added_.push_back({std::move(id), kind, std::move(inputs), std::move(outputs)});
  return StepIndex(static_cast<std::uint32_t>(added_.size() - 1));
}

void PlanBuilder::require_ends() const {
  const auto has = [&](bool (*wanted)(StepKind)) {
    return std::any_of(added_.begin(), added_.end(),
                       [&](const Added& step) { return wanted(step.kind); });
  };
  if (!has(is_source)) {
    throw ConfigError("flow '" + flow_id_ + "' needs at least one input; add one with `op.input`");
  }
  if (!has(ends_a_flow)) {
    throw ConfigError("flow '" + flow_id_ +
                      "' needs at least one output; add one with `op.output` or `op.inspect`");
  }
}

std::vector<std::vector<PlanBuilder::OutputPort>> PlanBuilder::find_producers() const {
  std::vector<std::vector<OutputPort>> producers(added_.size());
  for (std::size_t step = 0; step < added_.size(); ++step) {
    for (const std::string& stream : added_[step].inputs) {
      const auto found = streams_.find(stream);
      if (found == streams_.end()) {
        throw ConfigError("step '" + added_[step].id + "' consumes the stream '" + stream +
                          "', which no step of flow '" + flow_id_ +
                          "' produces; add its producer to the same flow");
      }
      producers[step].push_back(found->second);
    }
  }
  return producers;
}

std::vector<std::size_t> PlanBuilder::sort(
    const std::vector<std::vector<OutputPort>>& producers) const {
  Dependencies dependencies(producers.size());
  for (std::size_t step = 0; step < producers.size(); ++step) {
    for (const OutputPort& input : producers[step]) dependencies[step].push_back(input.step);
  }
  std::vector<std::size_t> sorted = sort_topologically(dependencies);
  if (sorted.size() == added_.size()) return sorted;
  std::string steps;
  for (const std::size_t step : find_cycle(dependencies, sorted)) {
    steps += (steps.empty() ? "'" : ", '") + added_[step].id + "'";
  }
  throw ConfigError("flow '" + flow_id_ + "' goes in a circle through " + steps +
                    "; let a step consume only what does not depend on it");
}

Plan PlanBuilder::build(std::vector<std::size_t>* order) && {
  require_ends();
  const auto producers = find_producers();
  const std::vector<std::size_t> sorted = sort(producers);

  Plan plan;
  plan.flow_id_ = flow_id_;
  std::vector<StepIndex> place(added_.size());  // in the plan, by place of adding
  std::vector<StreamIndex> first_output(added_.size());
  std::uint32_t streams = 0;
  for (const std::size_t added : sorted) {
    const Added& from = added_[added];
    Step step{std::move(added_[added].id), from.kind, {}, {}, {}, {}};
    step.logic = StepIndex(static_cast<std::uint32_t>(plan.steps_.size()));
    place[added] = step.logic;
    first_output[added] = StreamIndex(streams);
    for (std::size_t port = 0; port < from.outputs.size(); ++port) {
      step.outputs.push_back(StreamIndex(streams++));
    }
    for (const OutputPort& input : producers[added]) {
      const auto port = static_cast<std::uint32_t>(input.port);
      step.inputs.push_back(StreamIndex(first_output[input.step].value() + port));
    }
    step.out_channels.resize(step.outputs.size());
    plan.steps_.push_back(std::move(step));
    for (const OutputPort& input : producers[added]) {
      plan.connect(place[input.step], input.port, place[added]);
    }
  }
  plan.add_probe();
  if (order != nullptr) *order = sorted;
  return plan;
}

std::optional<StepIndex> Plan::find(const StepId& id) const {
  const auto found =
      std::find_if(steps_.begin(), steps_.end(), [&](const Step& step) { return step.id == id; });
  if (found == steps_.end()) return std::nullopt;
  return StepIndex(static_cast<std::uint32_t>(found - steps_.begin()));
}

void Plan::connect(StepIndex from, std::size_t from_port, StepIndex to) {
  const ChannelIndex channel(static_cast<std::uint32_t>(channels_.size()));
  Step& consumer = steps_[to.value()];
  auto& ports = steps_[from.value()].out_channels;
  ports.resize(std::max(ports.size(), from_port + 1));
  ports[from_port].push_back(channel);
  channels_.push_back({from, from_port, to, consumer.in_channels.size(), route_to(consumer.kind)});
  consumer.in_channels.push_back(channel);
}

void Plan::add_probe() {
  const StepIndex probe(static_cast<std::uint32_t>(steps_.size()));
  steps_.push_back({"probe of " + flow_id_, StepKind::kProbe, {}, {}, {}, {}});
  for (std::uint32_t i = 0; i < probe.value(); ++i) {
    const auto& ports = steps_[i].out_channels;
    const bool is_last = std::all_of(ports.begin(), ports.end(),
                                     [](const auto& consumers) { return consumers.empty(); });
    if (is_last) connect(StepIndex(i), ports.size(), probe);
  }
}

}  // namespace cppwax::graph
