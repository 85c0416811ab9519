// The one way in which user code is called: by vectorcall, with its error captured and other
// threads given their turn after it. Also the words in which errors speak of calls and values.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <utility>

#include "bindings/gil.hpp"
#include "bindings/py_error.hpp"
#include "engine/base/error.hpp"

namespace cppwax::bindings {

namespace py = pybind11;

// The result of a call of user code, a new reference, made an object; null throws a UserCodeError.
// `doing()` gives the words for the error and is called for an error alone.
template <class Doing>
py::object call_result(PyObject* result, Doing&& doing) {
  if (result == nullptr) [[unlikely]] {
    auto cause = take_python_error(Wrapped::kYes);
    throw UserCodeError(doing(), std::move(cause));
  }
  user_call_ended();
  return py::reinterpret_steal<py::object>(result);
}

// The same of what no user code has a part in: nobody waits for a turn after it.
template <class Doing>
py::object made(Doing&& doing, PyObject* object) {
  if (object == nullptr) [[unlikely]]
    throw_user_error(doing());
  return py::reinterpret_steal<py::object>(object);
}

// Arguments are borrowed.
template <class Doing, class... Args>
py::object call_user(Doing&& doing, PyObject* callable, Args... args) {
  // The free place in front lets a bound method put its object there instead of copying.
  PyObject* values[] = {nullptr, args...};
  PyObject* result = surviving_exit([&] {
    return PyObject_Vectorcall(callable, values + 1,
                               sizeof...(args) | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
  });
  return call_result(result, doing);
}

template <class Doing, class... Args>
py::object call_method(Doing&& doing, PyObject* self, const py::object& name, Args... args) {
  PyObject* values[] = {nullptr, self, args...};
  PyObject* result = surviving_exit([&] {
    return PyObject_VectorcallMethod(
        name.ptr(), values + 1, (1 + sizeof...(args)) | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
  });
  return call_result(result, doing);
}

// A str for look-ups, as literals in Python code are. Errors: pybind11::error_already_set.
py::object interned(const char* text);

// An attribute of `sys`; null if it is gone. Owned: another thread may be replacing it.
py::object sys_attribute(const char* name);

// An attribute of an object of the user, such as an argument of an operator.
py::object attribute_of(PyObject* self, const char* name);
// One that a worker calls again and again. Without the interpreter's lock each worker has a copy of
// a function made within another, whose references all workers would count in the same place
// otherwise: the same code, globals, cells and attributes. To be called on the worker's thread.
py::object callable_of(PyObject* self, const char* name);

// The next item of an iterator, a new reference; null at its end.
template <class Doing>
PyObject* next_item(Doing&& doing, PyObject* iterator) {
  PyObject* item = surviving_exit([&] { return Py_TYPE(iterator)->tp_iternext(iterator); });
  if (item != nullptr) [[likely]]
    return item;
  if (PyErr_Occurred()) {
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) {
      auto cause = take_python_error(Wrapped::kYes);
      throw UserCodeError(doing(), std::move(cause));
    }
    PyErr_Clear();
  }
  return nullptr;
}

// REQUIRES of all: no Python error is set. Errors of `repr` and the like are dropped.
// A str as a literal, cut when it is long: 'a'.
std::string shown(PyObject* value);
// The type as users write it: "int", "datetime.date".
std::string type_name(PyObject* value);
// "10 items", "1 item".
std::string count_of(std::size_t count, const char* thing);

}  // namespace cppwax::bindings
