// Native bodies in place of the builders that cppwax's own operators give to `stateful_batch`.
// Which builders have one is decided here, by exact type, as native.hpp does for `flat_map_batch`.
#pragma once

#include <memory>

#include "bindings/py_call.hpp"
#include "bindings/py_step.hpp"
#include "bindings/py_types.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// What a native body is made of. The step and the types outlive the body.
struct KeyedSetup {
  const PyStep& step;
  const PyTypes& types;
  operators::Seat seat;
  py::object builder;  // the value object
};

// The native body of a builder, null if there is none.
std::unique_ptr<operators::KeyedBody> make_native_keyed(const KeyedSetup& setup);

// A maker for each builder that has one. It may return null for a builder with arguments for which
// only the Python form will do.
using NativeKeyedMaker = std::unique_ptr<operators::KeyedBody> (*)(const KeyedSetup& setup);

namespace native {

std::unique_ptr<operators::KeyedBody> make_fold_final(const KeyedSetup& setup);
std::unique_ptr<operators::KeyedBody> make_stateful(const KeyedSetup& setup);
std::unique_ptr<operators::KeyedBody> make_stateful_map(const KeyedSetup& setup);
std::unique_ptr<operators::KeyedBody> make_stateful_flat_map(const KeyedSetup& setup);
std::unique_ptr<operators::KeyedBody> make_window(const KeyedSetup& setup);
std::unique_ptr<operators::KeyedBody> make_collect(const KeyedSetup& setup);
std::unique_ptr<operators::KeyedBody> make_join(const KeyedSetup& setup);

}  // namespace native

}  // namespace cppwax::bindings
