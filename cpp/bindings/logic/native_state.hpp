// States of users' folders and mappers, which may change in place: what is stored is a deep copy.
#pragma once

#include "bindings/py_call.hpp"

namespace cppwax::bindings::native {

// Made and used with the interpreter held.
class StateCopies {
 public:
  // `copy.deepcopy` of a state. Errors: UserCodeError.
  template <class Doing>
  py::object deep_copy(Doing&& doing, const py::object& state) {
    if (is_atom(state.ptr())) return state;
    if (!deepcopy_) deepcopy_ = py::module_::import("copy").attr("deepcopy");
    return call_user(doing, deepcopy_.ptr(), state.ptr());
  }

 private:
  // Whether a deep copy is the value itself.
  static bool is_atom(PyObject* value) {
    return value == Py_None || PyLong_CheckExact(value) || PyFloat_CheckExact(value) ||
           PyUnicode_CheckExact(value) || PyBool_Check(value) || PyBytes_CheckExact(value);
  }

  py::object deepcopy_;  // once it is needed
};

}  // namespace cppwax::bindings::native
