// The Python exception for what a recovery store is refused for: Bytewax's classes where it has
// one, else RecoveryError.
#pragma once

#include "engine/recovery/store_error.hpp"

namespace cppwax::bindings {

// Throws it (as pybind11::error_already_set). REQUIRES: the interpreter is held.
[[noreturn]] void raise_store_error(const recovery::StoreError& error);

}  // namespace cppwax::bindings
