// How items find the worker that works on them: by key, or by the sink partition they go to.
#pragma once

#include <memory>

#include "bindings/py_step.hpp"
#include "bindings/py_types.hpp"
#include "engine/channel/router.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// Both: `step` is the step the items go to; it and the types outlive the router.
std::unique_ptr<channel::Router> make_key_router(const PyStep& step, operators::Seat seat);
std::unique_ptr<channel::Router> make_partition_router(const PyStep& step, const PyTypes& types,
                                                       operators::Seat seat,
                                                       const progress::Assignment& parts);

}  // namespace cppwax::bindings
