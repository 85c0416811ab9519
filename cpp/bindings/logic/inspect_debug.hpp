// `inspect_debug` by a Python callable.
#pragma once

#include <memory>

#include "bindings/py_step.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// The step outlives the logic.
std::unique_ptr<operators::InspectLogic> make_inspect_debug(const PyStep& step,
                                                            operators::Seat seat);

}  // namespace cppwax::bindings
