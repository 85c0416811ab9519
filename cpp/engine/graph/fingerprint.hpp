// Tells one dataflow from another in few bytes.
#pragma once

#include <string>

#include "engine/graph/plan.hpp"

namespace cppwax::graph {

// The same on every process whose plan has the same steps (ids, kinds, order) and channels.
std::string fingerprint(const Plan& plan);

}  // namespace cppwax::graph
