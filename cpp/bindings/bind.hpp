// What module.cpp lists: a function for each bind_*.cpp.
#pragma once

#include <pybind11/pybind11.h>

namespace cppwax::bindings {

// For classes: Python's own metaclass, since stubs can name no other.
inline pybind11::metaclass plain_class() {
  return pybind11::metaclass(reinterpret_cast<PyObject*>(&PyType_Type));
}

void bind_codec(pybind11::module_& module);
void bind_meters(pybind11::module_& module);
void bind_recovery(pybind11::module_& module);
void bind_run(pybind11::module_& module);
void bind_state(pybind11::module_& module);

}  // namespace cppwax::bindings
