// The native form of a TestingSource's partition.
#pragma once

#include <memory>

#include "bindings/py_types.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// A partition as Python made it, and the logic that runs it through Python.
struct BuiltSource {
  py::object source;
  py::object part;
  std::unique_ptr<operators::SourcePart> logic;
};

// The native logic where source and partition have one, by exact type; else the one given.
std::unique_ptr<operators::SourcePart> native_if_known(const PyTypes& types, BuiltSource built);

}  // namespace cppwax::bindings
