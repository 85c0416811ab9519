// Reads a Python Dataflow: its core operators become the steps of an engine's plan. Looks at values
// only, calls nothing of the user's.
#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "bindings/py_step.hpp"
#include "engine/graph/plan.hpp"

namespace cppwax::bindings {

struct PyPlan {
  graph::Plan plan;           // fused
  std::vector<PyStep> steps;  // by graph::Step::logic
};

// REQUIRES: the interpreter is held.
// Errors: pybind11::type_error for something that is no Dataflow, for a source or sink of an
// unknown kind and for a core operator that the engine does not have; ConfigError from the plan.
PyPlan read_plan(pybind11::handle flow);

}  // namespace cppwax::bindings
