// `flat_map_batch` by a Python callable.
#pragma once

#include <memory>

#include "bindings/py_step.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// The step outlives the logic.
std::unique_ptr<operators::FlatMapBatchLogic> make_flat_map_batch(const PyStep& step,
                                                                  operators::Seat seat);

}  // namespace cppwax::bindings
