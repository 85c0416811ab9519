// A keyed body that somebody watches: a sample of the keys that come to it is counted.
#pragma once

#include <memory>

#include "engine/base/guarded.hpp"
#include "engine/operators/frequent_keys.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// Written by the worker of the body, read by any thread.
using SampledKeys = Guarded<operators::FrequentKeys>;

std::unique_ptr<operators::KeyedBody> watched(std::unique_ptr<operators::KeyedBody> body,
                                              std::shared_ptr<SampledKeys> keys);

}  // namespace cppwax::bindings
