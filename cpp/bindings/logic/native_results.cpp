#include "bindings/logic/native_results.hpp"

namespace cppwax::bindings::native {

bool unpack_iterable(PyObject* result, TwoParts& parts) {
  const auto iterator =
      py::reinterpret_steal<py::object>(surviving_exit([&] { return PyObject_GetIter(result); }));
  if (!iterator) return false;
  py::object* const places[] = {&parts.first, &parts.second};
  for (py::object* place : places) {
    *place = py::reinterpret_steal<py::object>(
        surviving_exit([&] { return PyIter_Next(iterator.ptr()); }));
    if (*place) continue;
    if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_ValueError, "not enough values");
    return false;
  }
  const auto more = py::reinterpret_steal<py::object>(
      surviving_exit([&] { return PyIter_Next(iterator.ptr()); }));
  if (more) PyErr_SetString(PyExc_ValueError, "too many values");
  return PyErr_Occurred() == nullptr;
}

}  // namespace cppwax::bindings::native
