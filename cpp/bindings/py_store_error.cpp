#include "bindings/py_store_error.hpp"

#include <pybind11/pybind11.h>

namespace cppwax::bindings {

namespace py = pybind11;

namespace {

py::object exception_class_of(recovery::StoreFault fault) {
  using recovery::StoreFault;
  const auto in_recovery = [](const char* name) {
    return py::module_::import("cppwax.recovery").attr(name);
  };
  const auto builtin = [](PyObject* type) { return py::reinterpret_borrow<py::object>(type); };
  switch (fault) {
    case StoreFault::kBadCount:
      return builtin(PyExc_ValueError);
    case StoreFault::kNoFolder:
      return builtin(PyExc_FileNotFoundError);
    case StoreFault::kNotAFolder:
      return builtin(PyExc_NotADirectoryError);
    case StoreFault::kAlreadyThere:
      return builtin(PyExc_FileExistsError);
    case StoreFault::kNoPartitions:
      return in_recovery("NoPartitionsError");
    case StoreFault::kMissing:
      return in_recovery("MissingPartitionsError");
    case StoreFault::kInconsistent:
      return in_recovery("InconsistentPartitionsError");
    default:
      return py::module_::import("cppwax.errors").attr("RecoveryError");
  }
}

// A path in the message may be of any bytes.
py::object text_of(const recovery::StoreError& error) {
  return py::reinterpret_steal<py::object>(PyUnicode_DecodeFSDefault(error.what()));
}

}  // namespace

void raise_store_error(const recovery::StoreError& error) {
  PyErr_SetObject(exception_class_of(error.fault).ptr(), text_of(error).ptr());
  throw py::error_already_set();
}

}  // namespace cppwax::bindings
