// The (key, value) pairs that keyed steps and partitioned sinks take.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <string_view>

#include "engine/base/ids.hpp"

namespace cppwax::bindings {

// Both borrowed from the item.
struct KeyedItem {
  PyObject* key;
  PyObject* value;
};

// Errors: a bare UserCodeError that names `step`.
[[noreturn]] void refuse_item(const StepId& step, PyObject* item);

inline KeyedItem keyed_item(const StepId& step, PyObject* item) {
  if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) != 2 ||
      !PyUnicode_Check(PyTuple_GET_ITEM(item, 0))) [[unlikely]] {
    refuse_item(step, item);
  }
  return {PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1)};
}

// A key's UTF-8, with lone surrogates encoded as they are. The view lives as long as the key, or as
// `storage`, which is used only for keys beyond ASCII, and until it is used again.
std::string_view key_bytes(PyObject* key, std::string& storage);

}  // namespace cppwax::bindings
