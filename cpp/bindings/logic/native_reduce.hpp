#pragma once

#include <memory>

#include "bindings/logic/native_keyed.hpp"

namespace cppwax::bindings::native {

// For a FoldFinalBuilder whose folder is a ReduceFolder.
std::unique_ptr<operators::KeyedBody> make_reduce_final(const KeyedSetup& setup);

}  // namespace cppwax::bindings::native
