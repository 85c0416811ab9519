// Lets steps in a row run as one: batches then go from one to the next without a queue, a frontier
// and an activation between them.
#pragma once

#include "engine/graph/plan.hpp"

namespace cppwax::graph {

// The same flow with each chain as one step. A chain is a longest path of flat_map_batch, _noop and
// inspect_debug steps, two or more, in which each stream has one consumer: it ends at a branch, a
// merge, a second consumer, an exchange, a keyed step, a sink. Order of steps otherwise, channels,
// routes and ports stay as they are.
// REQUIRES: `plan` comes from PlanBuilder.
Plan fuse(const Plan& plan);

}  // namespace cppwax::graph
