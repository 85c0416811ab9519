// The words in which all parts of window steps tell errors.
#pragma once

#include "bindings/logic/native_keys.hpp"

namespace cppwax::bindings::windows {

// The call that the Python form of a key's logic would get.
using Call = native::Calling;
// The same for what is stored.
using SnapshotCall = native::Snapshotting;

}  // namespace cppwax::bindings::windows
