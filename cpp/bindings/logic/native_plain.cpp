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
  explicit Mapped(const py::object& batch) : mapper_(callable_of(batch.ptr(), "mapper")) {}

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
  explicit Filtered(const py::object& batch) : predicate_(batch) {}

  PyObject* operator()(PyObject* item) const {
    if (predicate_.holds(calling_predicate, item)) return item;
    Py_DECREF(item);
    return nullptr;
  }

 private:
  Predicate predicate_;
};

class FilterMapped {
 public:
  explicit FilterMapped(const py::object& batch) : mapper_(callable_of(batch.ptr(), "mapper")) {}

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
      : batch_(batch), key_(callable_of(batch.ptr(), "key")) {}

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
      : key_(callable_of(batch.ptr(), "key")), one_(py::int_(1)) {}

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

// The cache is made by the Python form, anew for each batch: its time stands still meanwhile.
class Enriched {
 public:
  explicit Enriched(const py::object& batch)
      : batch_(batch), mapper_(callable_of(batch.ptr(), "mapper")) {}

  void begin_batch() {
    const auto doing = [] { return std::string("asking `_now_getter` for the time of a batch"); };
    cache_ = call_user(doing, attribute_of(batch_.ptr(), "cache_of_batch").ptr());
  }

  PyObject* operator()(PyObject* item) const {
    PyObject* result = call_user(calling_mapper, mapper_.ptr(), cache_.ptr(), item).release().ptr();
    Py_DECREF(item);
    return result;
  }

 private:
  py::object batch_;
  py::object mapper_;
  py::object cache_;
};

}  // namespace

std::unique_ptr<operators::FlatMapBatchLogic> make_map(const py::object& mapper) {
  return make_pass<Mapped>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_filter(const py::object& mapper) {
  return make_pass<Filtered>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_filter_map(const py::object& mapper) {
  return make_pass<FilterMapped>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_key_on(const py::object& mapper) {
  return make_pass<KeyedOn>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_count(const py::object& mapper) {
  return make_pass<Counted>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_enrich(const py::object& mapper) {
  return make_pass<Enriched>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_label(const py::object& mapper) {
  return make_pass<Labelled>(mapper);
}

}  // namespace cppwax::bindings::native
