#include "engine/graph/fusion.hpp"

#include <optional>
#include <utility>

namespace cppwax::graph {

namespace {

bool may_be_linked(const Step& step) {
  return step.kind == StepKind::kFlatMapBatch || step.kind == StepKind::kNoop ||
         step.kind == StepKind::kInspectDebug;
}

// The step that goes on with all that `step` emits, if the two may run as one.
std::optional<std::size_t> next_link(const Plan& plan, const Step& step) {
  if (!may_be_linked(step) || step.out_channels.size() != 1) return std::nullopt;
  if (step.out_channels[0].size() != 1) return std::nullopt;
  const Channel& channel = plan.channel(step.out_channels[0][0]);
  if (!may_be_linked(plan.step(channel.to))) return std::nullopt;
  return channel.to.value();
}

// By step: the last step of its chain, which is the step itself where it has none.
std::vector<std::size_t> find_ends(const Plan& plan) {
  std::vector<std::size_t> ends(plan.steps().size());
  for (std::size_t i = ends.size(); i-- > 0;) {
    const auto next = next_link(plan, plan.steps()[i]);
    ends[i] = next ? ends[*next] : i;
  }
  return ends;
}

}  // namespace

Plan fuse(const Plan& plan) {
  const std::vector<std::size_t> ends = find_ends(plan);
  std::vector<std::vector<std::size_t>> members(ends.size());
  for (std::size_t i = 0; i < ends.size(); ++i) members[ends[i]].push_back(i);

  Plan fused;
  fused.flow_id_ = plan.flow_id_;
  std::vector<StepIndex> place(ends.size());  // of the step that does a step's work
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (ends[i] != i) continue;
    Step step = plan.steps_[i];
    step.in_channels.clear();
    step.out_channels.assign(step.outputs.size(), {});
    if (members[i].size() > 1) {
      step.kind = StepKind::kChain;
      step.inputs = plan.steps_[members[i].front()].inputs;
      for (const std::size_t member : members[i]) {
        const Step& link = plan.steps_[member];
        step.links.push_back({link.id, link.kind, link.logic});
      }
    }
    for (const std::size_t member : members[i]) {
      place[member] = StepIndex(static_cast<std::uint32_t>(fused.steps_.size()));
    }
    fused.steps_.push_back(std::move(step));
  }
  for (const Channel& channel : plan.channels_) {
    const StepIndex from = place[channel.from.value()];
    const StepIndex to = place[channel.to.value()];
    if (from != to) fused.connect(from, channel.from_port, to);
  }
  return fused;
}

}  // namespace cppwax::graph
