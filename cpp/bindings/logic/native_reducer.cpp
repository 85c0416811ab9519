#include "bindings/logic/native_reducer.hpp"

#include <utility>

namespace cppwax::bindings::native {

Reducer::Reducer(py::object reducer) : reducer_(std::move(reducer)) {
  const auto builtins = py::module_::import("builtins");
  if (reducer_.is(py::module_::import("operator").attr("add"))) kind_ = Kind::kAdd;
  if (reducer_.is(builtins.attr("max"))) kind_ = Kind::kMax;
  if (reducer_.is(builtins.attr("min"))) kind_ = Kind::kMin;
  look_into_partial();
}

// `partial(max, key=by)`, as the steps with `by` make it.
void Reducer::look_into_partial() {
  if (!py::type::of(reducer_).is(py::module_::import("functools").attr("partial"))) return;
  const auto keywords = py::dict(reducer_.attr("keywords"));
  if (py::len(reducer_.attr("args")) != 0 || keywords.size() != 1 || !keywords.contains("key")) {
    return;
  }
  const py::object by = keywords["key"];
  if (by.is_none()) return;
  const auto builtins = py::module_::import("builtins");
  const py::object called = reducer_.attr("func");
  if (called.is(builtins.attr("max"))) kind_ = Kind::kMaxBy;
  if (called.is(builtins.attr("min"))) kind_ = Kind::kMinBy;
  by_ = by;
}

}  // namespace cppwax::bindings::native
