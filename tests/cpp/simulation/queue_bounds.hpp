// How long the queue of a channel may get: the formula of docs/progress_and_snapshots.md P4.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

#include "engine/base/error.hpp"
#include "engine/data/amount.hpp"
#include "engine/graph/plan.hpp"
#include "simulation/random_flow.hpp"

namespace cppwax::simulation {

// What a run was given.
struct Limits {
  data::Amount window;
  std::int64_t windows = 1;  // a channel and pair
  bool joins_polls = false;

  // The items that all windows admit before they close.
  std::int64_t window_items() const {
    return windows * std::min(window.items, (window.bytes + 7) / 8);
  }
};

// The plan and the flow outlive it.
class QueueBounds {
 public:
  QueueBounds(const graph::Plan& plan, const test::BuiltFlow& flow, Limits limits)
      : plan_(plan), flow_(flow), limits_(limits) {}

  // A queue holds its windows and, for each, what one activation may emit beyond it. `peaks`: the
  // most items that a pair of workers had under way, by channel. Errors: InvariantError.
  void check(const std::map<std::uint32_t, std::int64_t>& peaks) const {
    for (const auto& [index, peak] : peaks) {
      const graph::Channel& channel = plan_.channel(ChannelIndex(index));
      // States: a snapshot has as many as there are keys.
      if (channel.route == graph::Route::kStored) continue;
      if (channel.route == graph::Route::kRestored) continue;
      const auto largest = largest_batch(channel.from);
      if (!largest) continue;
      const std::int64_t bound = limits_.window_items() + limits_.windows * *largest;
      ENGINE_ASSERT(peak <= bound, plan_.step(channel.from).id, peak, bound);
    }
  }

 private:
  // The most items that a step emits at once; nullopt: its `on_eof` may emit any number.
  std::optional<std::int64_t> largest_batch(StepIndex index) const {
    const graph::Step& step = plan_.step(index);
    const auto gathered = std::min(
        static_cast<std::int64_t>(flow_.specs[step.logic.value()].gathered), limits_.window.items);
    switch (step.kind) {
      case graph::StepKind::kSourceDynamic:
      case graph::StepKind::kSourcePartitioned:
        // Joining stops at the end of the credit, with the last poll beyond it.
        if (limits_.joins_polls) return limits_.window.items + 1;
        return RandomFlow::kLargestPoll;
      case graph::StepKind::kFlatMapBatch:
        return gathered;
      case graph::StepKind::kStatefulBatch:
        if (flow_.specs[step.logic.value()].body.on_due) return std::nullopt;
        return gathered + static_cast<std::int64_t>(RandomFlow::kKeys);
      default:
        break;
    }
    // A chain holds no more than its last link with results emits.
    std::int64_t largest = 0;
    for (const graph::ChainLink& link : step.links) {
      const test::StepSpec& spec = flow_.specs[link.logic.value()];
      if (spec.flat_map) largest = static_cast<std::int64_t>(spec.gathered);
    }
    largest = std::min(largest, limits_.window.items);
    for (const ChannelIndex in : step.in_channels) {
      const auto above = largest_batch(plan_.channel(in).from);
      if (!above) return std::nullopt;
      largest = std::max(largest, *above);
    }
    return largest;
  }

  const graph::Plan& plan_;
  const test::BuiltFlow& flow_;
  Limits limits_;
};

}  // namespace cppwax::simulation
