// Native forms of the steps over whole items with at most one result each: map, filter, filter_map,
// key_on, and what count_final and join put in front of their keyed steps.
#include <string>

#include "bindings/logic/native.hpp"
#include "bindings/logic/native_pass.hpp"

namespace cppwax::bindings::native {

namespace {

std::string calling_mapper() {
  return "calling `mapper` on an item";
}
std::string calling_predicate() {
  return "calling `predicate` on an item";
}
std::string calling_key() {
  return "calling `key` on an item";
}

class Mapped {
 public:
  explicit Mapped(const py::object& batch) : mapper_(attribute_of(batch.ptr(), "mapper")) {}

  PyObject* operator()(PyObject* item) const {
    PyObject* result = call_user(calling_mapper, mapper_.ptr(), item).release().ptr();
    Py_DECREF(item);
    return result;
  }

 private:
  py::object mapper_;
};

class Filtered {
 public:
  explicit Filtered(const py::object& batch)
      : batch_(batch), predicate_(attribute_of(batch.ptr(), "predicate")) {}

  PyObject* operator()(PyObject* item) const {
    const py::object keep = call_user(calling_predicate, predicate_.ptr(), item);
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

class FilterMapped {
 public:
  explicit FilterMapped(const py::object& batch) : mapper_(attribute_of(batch.ptr(), "mapper")) {}

  PyObject* operator()(PyObject* item) const {
    py::object result = call_user(calling_mapper, mapper_.ptr(), item);
    Py_DECREF(item);
    return result.is_none() ? nullptr : result.release().ptr();
  }

 private:
  py::object mapper_;
};

class KeyedOn {
 public:
  explicit KeyedOn(const py::object& batch)
      : batch_(batch), key_(attribute_of(batch.ptr(), "key")) {}

  PyObject* operator()(PyObject* item) const {
    py::object key = call_user(calling_key, key_.ptr(), item);
    if (!PyUnicode_CheckExact(key.ptr())) key = checked(key);
    return new_pair_of(std::move(key), item);
  }

 private:
  py::object checked(const py::object& key) const {
    return call_user(calling_key, attribute_of(batch_.ptr(), "_checked").ptr(), key.ptr());
  }

  static PyObject* new_pair_of(py::object key, PyObject* item) {
    PyObject* pair = new_pair(key.release().ptr(), Py_NewRef(item));
    Py_DECREF(item);
    return pair;
  }

  py::object batch_;
  py::object key_;
};

class Counted {
 public:
  explicit Counted(const py::object& batch)
      : key_(attribute_of(batch.ptr(), "key")), one_(py::int_(1)) {}

  PyObject* operator()(PyObject* item) const {
    py::object key = call_user(calling_key, key_.ptr(), item);
    PyObject* pair = new_pair(key.release().ptr(), Py_NewRef(one_.ptr()));
    Py_DECREF(item);
    return pair;
  }

 private:
  py::object key_;
  py::object one_;
};

class Labelled {
 public:
  explicit Labelled(const py::object& batch) : side_(attribute_of(batch.ptr(), "side")) {}

  PyObject* operator()(PyObject* item) const {
    PyObject* pair = new_pair(Py_NewRef(side_.ptr()), Py_NewRef(item));
    Py_DECREF(item);
    return pair;
  }

 private:
  py::object side_;
};

template <class Fate>
std::unique_ptr<operators::FlatMapBatchLogic> make(const py::object& mapper) {
  return std::make_unique<PassLogic<Fate>>(mapper);
}

}  // namespace

std::unique_ptr<operators::FlatMapBatchLogic> make_map(const py::object& mapper) {
  return make<Mapped>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_filter(const py::object& mapper) {
  return make<Filtered>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_filter_map(const py::object& mapper) {
  return make<FilterMapped>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_key_on(const py::object& mapper) {
  return make<KeyedOn>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_count(const py::object& mapper) {
  return make<Counted>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_label(const py::object& mapper) {
  return make<Labelled>(mapper);
}

}  // namespace cppwax::bindings::native
