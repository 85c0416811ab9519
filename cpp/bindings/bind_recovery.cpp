// Recovery stores for `cppwax.recovery`: how they are made.
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>

#include "bindings/bind.hpp"
#include "bindings/gil.hpp"
#include "bindings/py_store_error.hpp"
#include "engine/recovery/store_folder.hpp"

namespace cppwax::bindings {

namespace py = pybind11;

namespace {

// The folder as bytes: a path need not be text.
void make_store(const py::bytes& folder, std::int64_t count) {
  const std::string path = folder;
  try {
    const GilReleased released;
    recovery::init_store(path, count);
  } catch (const recovery::StoreError& error) {
    raise_store_error(error);
  }
}

}  // namespace

void bind_recovery(py::module_& module) {
  module.def("init_store", &make_store, py::arg("folder"), py::arg("count"));
}

}  // namespace cppwax::bindings
