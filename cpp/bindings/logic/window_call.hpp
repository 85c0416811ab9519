// What all parts of window steps need around Python: words for errors, checks of what was made.
#pragma once

#include <pybind11/pybind11.h>

#include "bindings/logic/native_keys.hpp"
#include "bindings/py_call.hpp"

namespace cppwax::bindings::windows {

// The call that the Python form of a key's logic would get.
using Call = native::Calling;
// The same for what is stored.
using SnapshotCall = native::Snapshotting;

// What Python has made, a new reference; null is its failure to do so.
template <class Doing>
py::object made(Doing&& doing, PyObject* object) {
  if (object == nullptr) [[unlikely]]
    throw_user_error(doing());
  return py::reinterpret_steal<py::object>(object);
}

// A name for look-ups. Errors: pybind11::error_already_set.
inline py::object interned(const char* text) {
  auto str = py::reinterpret_steal<py::object>(PyUnicode_InternFromString(text));
  if (!str) throw py::error_already_set();
  return str;
}

}  // namespace cppwax::bindings::windows
