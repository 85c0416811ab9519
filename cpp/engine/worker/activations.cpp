#include "engine/worker/activations.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace cppwax::worker {

namespace {

// In activations of other steps. What other workers send may keep a worker busy for ever; its
// sources must close their epochs on time all the same (docs/progress_and_snapshots.md P5). A
// worker that is alone is busy with what its own sources gave.
constexpr std::size_t kLongestRound = 128;

// Of inputs that carry no items of the flow nobody sees the order.
bool takes_items(graph::StepKind kind) {
  return kind != graph::StepKind::kProbe && kind != graph::StepKind::kSnapshotWriter;
}

// The steps from which items can come to `step`, sources excepted. What other workers send has no
// order to keep; of this worker's own items, keyed and spread ones count as well.
std::vector<std::size_t> steps_above(const graph::Plan& plan, std::size_t step) {
  std::vector<char> above(step + 1, false);
  above[step] = true;
  // Channels go from smaller to greater indices, so one pass downwards finds all.
  std::vector<std::size_t> found;
  for (std::size_t at = step + 1; at-- > 0;) {
    if (!above[at]) continue;
    if (at != step && !graph::is_source(plan.steps()[at].kind)) found.push_back(at);
    for (ChannelIndex in : plan.steps()[at].in_channels) {
      above[plan.channel(in).from.value()] = true;
    }
  }
  return found;
}

}  // namespace

Activations::Activations(const graph::Plan& plan, std::uint32_t worker_count)
    : longest_round_(worker_count > 1 ? kLongestRound : std::numeric_limits<std::size_t>::max()),
      ready_(plan.steps().size(), true),
      later_(plan.steps().size(), false),
      upstream_(plan.steps().size()),
      wake_times_(plan.steps().size()) {
  const std::size_t count = plan.steps().size();
  wakers_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const graph::Step& step = plan.steps()[i];
    wakers_.emplace_back(*this, StepIndex(static_cast<std::uint32_t>(i)));
    (graph::is_source(step.kind) ? sources_ : inner_).push_back(i);
    if (step.in_channels.size() > 1 && takes_items(step.kind)) upstream_[i] = steps_above(plan, i);
  }
  std::reverse(inner_.begin(), inner_.end());
  round_at_ = sources_.size();
}

void Activations::wake_at(StepIndex step, std::optional<WallTime> time) {
  std::optional<WallTime>& known = wake_times_[step.value()];
  if (known == time) return;
  const bool was_next = known && known == next_due_;
  known = time;
  if (was_next) {
    recompute_next_due();
  } else if (time && (!next_due_ || *time < *next_due_)) {
    next_due_ = time;
  }
}

void Activations::recompute_next_due() {
  next_due_.reset();
  for (const auto& time : wake_times_) {
    if (time && (!next_due_ || *time < *next_due_)) next_due_ = time;
  }
}

void Activations::fire(WallTime now) {
  if (!next_due_ || *next_due_ > now) return;
  for (std::size_t i = 0; i < wake_times_.size(); ++i) {
    if (!wake_times_[i] || *wake_times_[i] > now) continue;
    wake_times_[i].reset();
    ready_[i] = true;
  }
  recompute_next_due();
}

std::optional<StepIndex> Activations::next() {
  if (auto source = next_of_round()) return source;
  if (round_length_ < longest_round_) {
    if (auto step = next_inner()) return step;
  }
  round_at_ = 0;
  round_length_ = 0;
  for (std::size_t i = 0; i < later_.size(); ++i) {
    if (std::exchange(later_[i], false)) ready_[i] = true;
  }
  if (auto source = next_of_round()) return source;
  return next_inner();
}

std::optional<StepIndex> Activations::next_inner() {
  for (std::size_t step : inner_) {
    if (!ready_[step] || waits_for_upstream(step)) continue;
    ready_[step] = false;
    ++round_length_;
    return StepIndex(static_cast<std::uint32_t>(step));
  }
  return std::nullopt;
}

std::optional<StepIndex> Activations::next_of_round() {
  while (round_at_ < sources_.size()) {
    const std::size_t source = sources_[round_at_++];
    if (!ready_[source]) continue;
    ready_[source] = false;
    return StepIndex(static_cast<std::uint32_t>(source));
  }
  return std::nullopt;
}

bool Activations::waits_for_upstream(std::size_t step) const {
  return std::any_of(upstream_[step].begin(), upstream_[step].end(),
                     [&](std::size_t above) { return ready_[above] != 0; });
}

}  // namespace cppwax::worker
