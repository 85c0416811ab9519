// Native forms of the steps over `(key, value)` items with at most one result each: map_value,
// filter_value, filter_map_value, key_rm, and what join puts in front of its keyed step.
#include <string>

#include "bindings/logic/native.hpp"
#include "bindings/logic/native_pair.hpp"
#include "bindings/logic/native_pass.hpp"

namespace cppwax::bindings::native {

namespace {

std::string calling_mapper() {
  return "calling `mapper` on the value of an item";
}
std::string calling_predicate() {
  return "calling `predicate` on the value of an item";
}
std::string unpacking() {
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
      : batch_(batch), mapper_(attribute_of(batch.ptr(), "mapper")) {}

  PyObject* operator()(PyObject* item) const {
    if (!is_pair(item)) return by_python(calling_mapper, batch_, item);
    py::object result = call_user(calling_mapper, mapper_.ptr(), value_of(item));
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
  explicit ValueFiltered(const py::object& batch)
      : batch_(batch), predicate_(attribute_of(batch.ptr(), "predicate")) {}

  PyObject* operator()(PyObject* item) const {
    // A pair of a subclass goes on as a plain one.
    if (!PyTuple_CheckExact(item) || !is_pair(item)) {
      return by_python(calling_predicate, batch_, item);
    }
    const py::object keep = call_user(calling_predicate, predicate_.ptr(), value_of(item));
    if (keep.ptr() == Py_True) return item;
    if (keep.ptr() != Py_False) {
      // Raises.
      call_user(calling_predicate, attribute_of(batch_.ptr(), "_refuse").ptr(), keep.ptr());
    }
    Py_DECREF(item);
    return nullptr;
  }

 private:
  py::object batch_;
  py::object predicate_;
};

class ValueFilterMapped {
 public:
  explicit ValueFilterMapped(const py::object& batch)
      : batch_(batch), mapper_(attribute_of(batch.ptr(), "mapper")) {}

  PyObject* operator()(PyObject* item) const {
    if (!is_pair(item)) return by_python(calling_mapper, batch_, item);
    py::object result = call_user(calling_mapper, mapper_.ptr(), value_of(item));
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
    if (!is_pair(item)) return by_python(unpacking, batch_, item);
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
    if (!is_pair(item)) return by_python(unpacking, batch_, item);
    PyObject* labelled = new_pair(Py_NewRef(side_.ptr()), Py_NewRef(value_of(item)));
    PyObject* pair = new_pair(Py_NewRef(key_of(item)), labelled);
    Py_DECREF(item);
    return pair;
  }

 private:
  py::object batch_;
  py::object side_;
};

template <class Fate>
std::unique_ptr<operators::FlatMapBatchLogic> make(const py::object& mapper) {
  return std::make_unique<PassLogic<Fate>>(mapper);
}

}  // namespace

std::unique_ptr<operators::FlatMapBatchLogic> make_map_value(const py::object& mapper) {
  return make<ValueMapped>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_filter_value(const py::object& mapper) {
  return make<ValueFiltered>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_filter_map_value(const py::object& mapper) {
  return make<ValueFilterMapped>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_key_rm(const py::object& mapper) {
  return make<Unkeyed>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_label_value(const py::object& mapper) {
  return make<ValueLabelled>(mapper);
}

}  // namespace cppwax::bindings::native
