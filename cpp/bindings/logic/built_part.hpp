// Building the partitions of sources and sinks from the user's objects.
#pragma once

#include <string>

#include "bindings/py_step.hpp"
#include "bindings/py_types.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// Who builds, and what it has to build.
struct PartBuilder {
  py::object owner;  // the source or sink
  py::object type;   // the class of which the part must be
  const char* type_name;
};

// Calls `build_part` of a partitioned source or sink. `state`: what to resume from, or None.
// Errors of both: UserCodeError.
py::object build_part(const PyStep& step, const PyTypes& types, const PartBuilder& builder,
                      const std::string& name, const py::object& state);
// Calls `build` of a dynamic one.
py::object build_dynamic(const PyStep& step, const PyTypes& types, const PartBuilder& builder,
                         operators::Seat seat);

// For messages: " of partition 'a'".
std::string of_partition(const std::string& name);

}  // namespace cppwax::bindings
