#include "engine/graph/snapshot_streams.hpp"

#include <utility>

namespace cppwax::graph {

namespace {

// Sources tell where epochs end, also those without a state. Ends of the flow have a stream all the
// same (P9).
bool has_stream(StepKind kind) {
  return is_source(kind) || keeps_state(kind);
}

}  // namespace

Plan add_snapshot_streams(const Plan& plan) {
  Plan added;
  added.flow_id_ = plan.flow_id_;
  const std::size_t own = plan.steps_.size() - 1;  // all but the probe
  std::vector<bool> feeds_writer(own, false);
  for (std::size_t i = 0; i < own; ++i) {
    Step step = plan.steps_[i];
    feeds_writer[i] = has_stream(step.kind);
    step.in_channels.clear();
    step.out_channels.assign(step.outputs.size(), {});
    added.steps_.push_back(std::move(step));
  }
  for (const Channel& channel : plan.channels_) {
    if (channel.to.value() == own) {
      feeds_writer[channel.from.value()] = true;
    } else {
      added.connect(channel.from, channel.from_port, channel.to);
    }
  }
  const auto add = [&](const char* name, StepKind kind) {
    const StepIndex index(static_cast<std::uint32_t>(added.steps_.size()));
    added.steps_.push_back({name + plan.flow_id_, kind, {}, {}, {}, {}});
    return index;
  };
  const StepIndex loader = add("loader of ", StepKind::kSnapshotLoader);
  const StepIndex restore = add("restoring of ", StepKind::kRestore);
  const StepIndex writer = add("writer of ", StepKind::kSnapshotWriter);
  const StepIndex probe = add("probe of ", StepKind::kProbe);
  added.connect(loader, 0, restore);
  for (std::uint32_t i = 0; i < own; ++i) {
    // A port of its own, behind the step's outputs.
    if (feeds_writer[i]) added.connect(StepIndex(i), added.steps_[i].outputs.size(), writer);
  }
  added.connect(writer, 0, probe);
  return added;
}

}  // namespace cppwax::graph
