#include "bindings/logic/native_reducer.hpp"

#include <utility>

namespace cppwax::bindings::native {

Reducer::Reducer(py::object reducer) : reducer_(std::move(reducer)) {
  const auto builtins = py::module_::import("builtins");
  if (reducer_.is(py::module_::import("operator").attr("add"))) kind_ = Kind::kAdd;
  if (reducer_.is(builtins.attr("max"))) kind_ = Kind::kMax;
  if (reducer_.is(builtins.attr("min"))) kind_ = Kind::kMin;
}

}  // namespace cppwax::bindings::native
