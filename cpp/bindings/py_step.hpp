// A step of the plan with the Python operator it stands for: what py_plan hands to py_logic.
#pragma once

#include <pybind11/pybind11.h>

#include "engine/base/ids.hpp"
#include "engine/graph/plan.hpp"

namespace cppwax::bindings {

// Made and destroyed with the interpreter held.
struct PyStep {
  StepId id;
  graph::StepKind kind;
  pybind11::object op;  // the operator value, with its arguments as attributes; null for the probe
};

}  // namespace cppwax::bindings
