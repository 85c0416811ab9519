// What recovery adds to a plan: the streams on which states go to the store, and come from it.
#pragma once

#include "engine/graph/plan.hpp"

namespace cppwax::graph {

// The same flow with snapshot streams from all sources, keyed steps and ends of the flow to a
// writer, whose frontier is the probe's ("durable"), and a loader with the step that restores what
// it loads. REQUIRES: a plan without them. (docs/progress_and_snapshots.md P9, P16)
Plan add_snapshot_streams(const Plan& plan);

}  // namespace cppwax::graph
