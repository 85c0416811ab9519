// `(key, value)` items, as native steps see them. What is a pair in another way than as a tuple of
// two (a list, an iterator) goes through the step's Python form, which also has the words for what
// is none.
#pragma once

#include "bindings/py_call.hpp"

namespace cppwax::bindings::native {

// Whether Python would unpack the item to just its two parts: a tuple, a named one too, but none
// that iterates in its own way.
inline bool is_pair(PyObject* item) {
  return PyTuple_Check(item) && PyTuple_GET_SIZE(item) == 2 &&
         Py_TYPE(item)->tp_iter == PyTuple_Type.tp_iter;
}

// Whether nothing in it can be part of a cycle, by CPython's own rule: it holds no references that
// the garbage collector follows, or is a tuple that the collector need not look at any more.
inline bool is_plain(PyObject* object) {
  return PyType_IS_GC(Py_TYPE(object)) == 0 ||
         (PyTuple_CheckExact(object) && PyObject_GC_IsTracked(object) == 0);
}

// Takes a new tuple out of the garbage collector's list, as the collector itself would when it
// first came to it, if all in it is plain.
inline void untrack_plain_tuple(PyObject* tuple) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
    if (!is_plain(PyTuple_GET_ITEM(tuple, i))) return;
  }
  PyObject_GC_UnTrack(tuple);
}

// A new pair of the two; takes both references over. Errors: UserCodeError without memory.
inline PyObject* new_pair(PyObject* first, PyObject* second) {
  PyObject* pair = PyTuple_New(2);
  if (pair == nullptr) [[unlikely]] {
    Py_DECREF(first);
    Py_DECREF(second);
    throw_user_error("making a pair");
  }
  PyTuple_SET_ITEM(pair, 0, first);
  PyTuple_SET_ITEM(pair, 1, second);
  untrack_plain_tuple(pair);
  return pair;
}

// REQUIRES of both: is_pair(item). Borrowed from it.
inline PyObject* key_of(PyObject* item) {
  return PyTuple_GET_ITEM(item, 0);
}
inline PyObject* value_of(PyObject* item) {
  return PyTuple_GET_ITEM(item, 1);
}

// Calls the Python form of a step on a batch of one item; gives its results, a list.
template <class Doing>
py::object call_on_batch_of_one(Doing&& doing, const py::object& batch, PyObject* item) {
  const py::object one = made(doing, PyList_New(1));
  PyList_SET_ITEM(one.ptr(), 0, Py_NewRef(item));
  return call_user(doing, batch.ptr(), one.ptr());
}

}  // namespace cppwax::bindings::native
