#include "bindings/logic/keyed_item.hpp"

#include "bindings/py_call.hpp"
#include "bindings/py_types.hpp"

namespace cppwax::bindings {

void refuse_item(const StepId& step, PyObject* item) {
  std::string what = "a `" + type_name(item) + "`";
  std::string wanted = "items to be `(key, value)` 2-tuples";
  if (PyTuple_Check(item) && PyTuple_GET_SIZE(item) == 2) {
    wanted = "the key of a `(key, value)` 2-tuple to be a `str`";
    what = "a `" + type_name(PyTuple_GET_ITEM(item, 0)) + "`";
  } else if (PyTuple_Check(item)) {
    what = "a tuple of " + count_of(static_cast<std::size_t>(PyTuple_GET_SIZE(item)), "item");
  }
  throw_type_error("taking an item",
                   "step '" + step + "' needs " + wanted + ", got " + what +
                       "; use `key_on` before it to make such items",
                   Wrapped::kNo);
}

std::string_view key_bytes(PyObject* key, std::string& storage) {
  if (PyUnicode_IS_COMPACT_ASCII(key)) {
    return {static_cast<const char*>(PyUnicode_DATA(key)),
            static_cast<std::size_t>(PyUnicode_GET_LENGTH(key))};
  }
  storage.clear();
  append_utf8(storage, key);
  return storage;
}

}  // namespace cppwax::bindings
