// The extension module cppwax._engine: a table of contents.
#include <pybind11/pybind11.h>

#include "bindings/bind.hpp"

PYBIND11_MODULE(_engine, module, pybind11::mod_gil_not_used()) {
  module.doc() = "The engine that runs dataflows. Use it through `cppwax.run` or `cppwax.testing`.";
  cppwax::bindings::bind_codec(module);
  cppwax::bindings::bind_meters(module);
  cppwax::bindings::bind_recovery(module);
  cppwax::bindings::bind_run(module);
  cppwax::bindings::bind_state(module);
}
