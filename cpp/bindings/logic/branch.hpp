// `branch` by a Python predicate.
#pragma once

#include <memory>

#include "bindings/py_step.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// The step outlives the logic.
std::unique_ptr<operators::BranchLogic> make_branch(const PyStep& step);

}  // namespace cppwax::bindings
