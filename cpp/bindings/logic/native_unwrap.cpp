// The native form of what window steps put behind their keyed step: it picks the events of one
// kind, `(key, (window id, kind, value))`, as `(key, (window id, value))`.
#include <string>

#include "bindings/logic/modules.hpp"
#include "bindings/logic/native.hpp"
#include "bindings/logic/native_pair.hpp"
#include "bindings/logic/native_pass.hpp"

namespace cppwax::bindings::native {

namespace {

std::string picking_event() {
  return "calling `mapper` on the value of an item";
}

class Unwrapped {
 public:
  explicit Unwrapped(const py::object& batch)
      : batch_(batch), kind_(attribute_of(attribute_of(batch.ptr(), "mapper").ptr(), "kind")) {}

  PyObject* operator()(PyObject* item) const {
    PyObject* const event = is_pair(item) ? value_of(item) : nullptr;
    if (event == nullptr || !PyTuple_CheckExact(event) || PyTuple_GET_SIZE(event) != 3) {
      return by_python(item);
    }
    PyObject* picked = nullptr;
    if (is_kind(PyTuple_GET_ITEM(event, 1))) {
      PyObject* const told =
          new_pair(Py_NewRef(PyTuple_GET_ITEM(event, 0)), Py_NewRef(PyTuple_GET_ITEM(event, 2)));
      picked = new_pair(Py_NewRef(key_of(item)), told);
    }
    Py_DECREF(item);
    return picked;
  }

 private:
  bool is_kind(PyObject* kind) const {
    if (kind == kind_.ptr()) return true;
    return PyUnicode_CheckExact(kind) && PyUnicode_Compare(kind, kind_.ptr()) == 0;
  }

  PyObject* by_python(PyObject* item) const {
    const py::object results = call_on_batch_of_one(picking_event, batch_, item);
    const bool any = PyList_GET_SIZE(results.ptr()) > 0;
    PyObject* result = any ? Py_NewRef(PyList_GET_ITEM(results.ptr(), 0)) : nullptr;
    Py_DECREF(item);
    return result;
  }

  py::object batch_;
  py::object kind_;
};

}  // namespace

bool is_unwrap(const py::object& mapper) {
  const py::object picks = attribute_of(mapper.ptr(), "mapper");
  return is_exactly(picks, modules::kWindowDriver, "Unwrap") &&
         PyUnicode_CheckExact(attribute_of(picks.ptr(), "kind").ptr());
}

std::unique_ptr<operators::FlatMapBatchLogic> make_unwrap(const py::object& mapper) {
  return make_pass<Unwrapped>(mapper);
}

}  // namespace cppwax::bindings::native
