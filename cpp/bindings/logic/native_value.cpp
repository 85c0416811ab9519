// Native forms of the steps over `(key, value)` items with at most one result each: map_value,
// filter_value, filter_map_value, key_rm, and what join puts in front of its keyed step.
#include <string>

#include "bindings/logic/native.hpp"
#include "bindings/logic/native_pair.hpp"
#include "bindings/logic/native_pass.hpp"

namespace cppwax::bindings::native {

namespace {

std::string mapping_value() {
  return "calling `mapper` on the value of an item";
}
std::string filtering_value() {
  return "calling `predicate` on the value of an item";
}
std::string unpacking_item() {
  return "unpacking an item";
}

// Does with an item what the Python form does with a batch of it alone. For what is no plain pair.
template <class Doing>
PyObject* by_python(Doing&& doing, const py::object& batch, PyObject* item) {
  const py::object results = call_on_batch_of_one(doing, batch, item);
  const bool any = PyList_GET_SIZE(results.ptr()) > 0;
  PyObject* result = any ? Py_NewRef(PyList_GET_ITEM(results.ptr(), 0)) : nullptr;
  Py_DECREF(item);
  return result;
}

class ValueMapped {
 public:
  explicit ValueMapped(const py::object& batch)
      : batch_(batch), mapper_(callable_of(batch.ptr(), "mapper")) {}

  PyObject* operator()(PyObject* item) const {
    if (!is_pair(item)) return by_python(mapping_value, batch_, item);
    py::object result = call_user(mapping_value, mapper_.ptr(), value_of(item));
    PyObject* pair = new_pair(Py_NewRef(key_of(item)), result.release().ptr());
    Py_DECREF(item);
    return pair;
  }

 private:
  py::object batch_;
  py::object mapper_;
};

class ValueFiltered {
 public:
  explicit ValueFiltered(const py::object& batch) : predicate_(batch) {}

  PyObject* operator()(PyObject* item) const {
    // A pair of a subclass goes on as a plain one.
    if (!PyTuple_CheckExact(item) || !is_pair(item)) {
      return by_python(filtering_value, predicate_.batch(), item);
    }
    if (predicate_.holds(filtering_value, value_of(item))) return item;
    Py_DECREF(item);
    return nullptr;
  }

 private:
  Predicate predicate_;
};

class ValueFilterMapped {
 public:
  explicit ValueFilterMapped(const py::object& batch)
      : batch_(batch), mapper_(callable_of(batch.ptr(), "mapper")) {}

  PyObject* operator()(PyObject* item) const {
    if (!is_pair(item)) return by_python(mapping_value, batch_, item);
    py::object result = call_user(mapping_value, mapper_.ptr(), value_of(item));
    PyObject* pair = nullptr;
    if (!result.is_none()) pair = new_pair(Py_NewRef(key_of(item)), result.release().ptr());
    Py_DECREF(item);
    return pair;
  }

 private:
  py::object batch_;
  py::object mapper_;
};

class Unkeyed {
 public:
  explicit Unkeyed(const py::object& batch) : batch_(batch) {}

  PyObject* operator()(PyObject* item) const {
    if (!is_pair(item)) return by_python(unpacking_item, batch_, item);
    PyObject* value = Py_NewRef(value_of(item));
    Py_DECREF(item);
    return value;
  }

 private:
  py::object batch_;
};

class ValueLabelled {
 public:
  explicit ValueLabelled(const py::object& batch)
      : batch_(batch), side_(attribute_of(batch.ptr(), "side")) {}

  PyObject* operator()(PyObject* item) const {
    if (!is_pair(item)) return by_python(unpacking_item, batch_, item);
    PyObject* labelled = new_pair(Py_NewRef(side_.ptr()), Py_NewRef(value_of(item)));
    PyObject* pair = new_pair(Py_NewRef(key_of(item)), labelled);
    Py_DECREF(item);
    return pair;
  }

 private:
  py::object batch_;
  py::object side_;
};

}  // namespace

std::unique_ptr<operators::FlatMapBatchLogic> make_map_value(const py::object& mapper) {
  return make_pass<ValueMapped>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_filter_value(const py::object& mapper) {
  return make_pass<ValueFiltered>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_filter_map_value(const py::object& mapper) {
  if (is_unwrap(mapper)) return make_unwrap(mapper);
  return make_pass<ValueFilterMapped>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_key_rm(const py::object& mapper) {
  return make_pass<Unkeyed>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_label_value(const py::object& mapper) {
  return make_pass<ValueLabelled>(mapper);
}

}  // namespace cppwax::bindings::native
