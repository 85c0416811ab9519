// `stateful_batch`: the StatefulBatchLogic objects of a builder, one a key.
#pragma once

#include <memory>

#include "bindings/py_step.hpp"
#include "bindings/py_types.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// The step and the types outlive the body.
std::unique_ptr<operators::KeyedBody> make_keyed_body(const PyStep& step, const PyTypes& types,
                                                      operators::Seat seat);

}  // namespace cppwax::bindings
