#include "bindings/last_words.hpp"

#include <pybind11/pybind11.h>

#include <string>
#include <utility>

#include "bindings/gil.hpp"
#include "bindings/py_error.hpp"

namespace cppwax::bindings {

namespace py = pybind11;

void LastWords::keep(const std::exception_ptr& failure) noexcept {
  // To begin with in short: while Python formats the traceback, a worker may take the interpreter
  // and never let it go again.
  std::string summary = "cppwax: " + summary_of(failure) + "\n";
  const bool is_first = kept_.with([&](auto& kept) {
    if (kept) return false;
    kept.emplace().text = std::move(summary);
    return true;
  });
  if (!is_first) return;
  const GilHeld held;
  try {
    const auto shown = py::module_::import("cppwax._exit").attr("last_words_of");
    auto [code, text] = shown(exception_of(failure)).cast<std::pair<int, std::string>>();
    kept_.with([&](auto& kept) { kept = Words{code, std::move(text)}; });
  } catch (const std::exception&) {
    // What the user's exceptions do when they are shown is their own affair: the short form stays.
    PyErr_Clear();
  }
}

}  // namespace cppwax::bindings
