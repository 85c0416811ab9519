// The native forms of TestingSink's and StdOutSink's partitions.
#pragma once

#include <memory>

#include "bindings/py_call.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// A partition as Python made it, and the logic that runs it through Python.
struct BuiltSink {
  py::object sink;
  py::object part;
  std::unique_ptr<operators::SinkLogic> logic;
};

// The native logic where sink and partition have one, by exact type; else the one given.
std::unique_ptr<operators::SinkLogic> native_if_known(BuiltSink built);

}  // namespace cppwax::bindings
