// What users' callables give to keyed steps: pairs of two parts, and iterables of values to emit.
// What is neither goes to the functions of the Python form that refuse it, which have the words.
#pragma once

#include <utility>

#include "bindings/logic/modules.hpp"
#include "bindings/logic/native_keys.hpp"
#include "bindings/py_call.hpp"
#include "bindings/py_payload.hpp"

namespace cppwax::bindings::native {

struct TwoParts {
  py::object first;
  py::object second;
};

// As Python unpacks any iterable of two. False with a Python error set: it is none.
// Errors: UserCodeError, what the iterable raises; but for a TypeError or a ValueError, which are
// as if it were no pair.
bool unpack_iterable(PyObject* result, TwoParts& parts);

// The parts of a result. `refuse()` raises for what is no pair.
template <class Refuse>
TwoParts unpacked(const Calling& doing, const py::object& result, Refuse&& refuse) {
  PyObject* const pair = result.ptr();
  if (PyTuple_CheckExact(pair) && PyTuple_GET_SIZE(pair) == 2) [[likely]] {
    return {py::reinterpret_borrow<py::object>(PyTuple_GET_ITEM(pair, 0)),
            py::reinterpret_borrow<py::object>(PyTuple_GET_ITEM(pair, 1))};
  }
  TwoParts parts;
  if (!unpack_iterable(pair, parts)) {
    const bool is_no_pair =
        PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_ValueError);
    if (!is_no_pair) throw_user_error(doing());
    PyErr_Clear();
    refuse();
  }
  return parts;
}

// Emits all that an iterable gives. `refuse()` raises for what is none.
template <class Refuse>
void emit_all(const Calling& doing, PyObject* emitted, KeyedOut& out, Refuse&& refuse) {
  if (PyTuple_CheckExact(emitted)) {
    const Py_ssize_t count = PyTuple_GET_SIZE(emitted);
    for (Py_ssize_t i = 0; i < count; ++i) {
      out.emit(doing.slot, Py_NewRef(PyTuple_GET_ITEM(emitted, i)));
    }
    return;
  }
  if (PyList_CheckExact(emitted) && PyList_GET_SIZE(emitted) == 0) return;
  PyPayload values;
  if (!values.append_if_listlike(emitted)) {
    PyObject* iterator = surviving_exit([&] { return PyObject_GetIter(emitted); });
    if (iterator == nullptr && PyErr_ExceptionMatches(PyExc_TypeError)) {
      py::error_already_set error;
      refuse();
      error.restore();
    }
    const py::object owned = call_result(iterator, doing);
    while (PyObject* value = next_item(doing, iterator)) {
      values.push(value);
      user_call_ended();
    }
  }
  for (PyObject* value : values.items()) out.emit(doing.slot, Py_NewRef(value));
}

// A function of cppwax.operators._checks.
inline py::object check_named(const char* name) {
  return py::module_::import(modules::kChecks).attr(name);
}

}  // namespace cppwax::bindings::native
