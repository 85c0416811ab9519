#include "bindings/told_failure.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <tuple>

#include "bindings/gil.hpp"
#include "bindings/py_error.hpp"
#include "engine/base/error.hpp"

namespace cppwax::bindings {

namespace py = pybind11;

namespace {

void add_place(const std::exception_ptr& error, transport::Failure& failure) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    failure.step = known.context.step;
    failure.worker = known.context.worker;
  } catch (...) {
    return;  // one that is not ours says nothing of places
  }
}

}  // namespace

transport::Failure told_failure(const std::exception_ptr& error) noexcept {
  transport::Failure failure;
  failure.message = summary_of(error);
  add_place(error, failure);
  if (!interpreter_alive()) return failure;
  const GilHeld held;
  try {
    const auto told = py::module_::import("cppwax._exit").attr("told_of");
    std::tie(failure.type, failure.message, failure.traceback) =
        told(exception_of(error)).cast<std::tuple<std::string, std::string, std::string>>();
  } catch (const std::exception&) {
    // What the user's exceptions do when they are shown is their own affair: the short form stays.
    PyErr_Clear();
  }
  return failure;
}

}  // namespace cppwax::bindings
