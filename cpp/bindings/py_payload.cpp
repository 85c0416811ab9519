#include "bindings/py_payload.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/error.hpp"

namespace cppwax::bindings {

namespace {

constexpr std::size_t kSample = 16;
constexpr std::size_t kLargeItem = 1024;
// Pairs of a key and a value, and small rows, are looked into; what is deeper counts as it is.
constexpr Py_ssize_t kSmallTuple = 4;
// About what an entry of a hash table takes.
constexpr std::size_t kEntry = 100;

std::size_t to_size(Py_ssize_t size) {
  return size > 0 ? static_cast<std::size_t>(size) : 0;
}

// `nbytes` of arrays and tables; 0 if there is none. Only types made in C are asked: the attribute
// of a Python class may be a property, and its code must not run here.
std::size_t array_bytes(PyObject* item) {
  PyTypeObject* type = Py_TYPE(item);
  if (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) || PyFloat_CheckExact(item)) return 0;
  auto name = py::reinterpret_steal<py::object>(PyUnicode_InternFromString("nbytes"));
  if (!name || _PyType_Lookup(type, name.ptr()) == nullptr) {
    PyErr_Clear();
    return 0;
  }
  auto bytes = py::reinterpret_steal<py::object>(PyObject_GetAttr(item, name.ptr()));
  const std::size_t size = bytes ? PyLong_AsSize_t(bytes.ptr()) : 0;
  if (PyErr_Occurred() == nullptr) return size;
  PyErr_Clear();
  return 0;
}

std::size_t own_bytes(PyObject* item) {
  const std::size_t basic = to_size(Py_TYPE(item)->tp_basicsize);
  if (PyLong_CheckExact(item) || item == Py_None) return basic;
  if (PyUnicode_Check(item))
    return basic + to_size(PyUnicode_GET_LENGTH(item)) * PyUnicode_KIND(item);
  if (PyBytes_Check(item)) return basic + to_size(PyBytes_GET_SIZE(item));
  if (PyByteArray_Check(item)) return basic + to_size(PyByteArray_GET_SIZE(item));
  if (PyTuple_Check(item)) return basic + to_size(PyTuple_GET_SIZE(item)) * sizeof(PyObject*);
  if (PyList_Check(item)) return basic + to_size(PyList_GET_SIZE(item)) * sizeof(PyObject*);
  if (PyDict_Check(item)) return basic + to_size(PyDict_GET_SIZE(item)) * kEntry;
  if (PyAnySet_Check(item)) return basic + to_size(PySet_GET_SIZE(item)) * kEntry;
  return basic + array_bytes(item);
}

#if PY_VERSION_HEX >= 0x030D0000
PyObject* list_item(PyObject* list, Py_ssize_t index) {
  return PyList_GetItemRef(list, index);
}
#else
PyObject* list_item(PyObject* list, Py_ssize_t index) {
  return Py_NewRef(PyList_GET_ITEM(list, index));
}
#endif

}  // namespace

std::size_t item_bytes(PyObject* item) {
  std::size_t bytes = own_bytes(item);
  if (PyTuple_Check(item) && PyTuple_GET_SIZE(item) <= kSmallTuple) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(item); ++i) {
      bytes += own_bytes(PyTuple_GET_ITEM(item, i));
    }
  }
  return bytes;
}

void BytesMeter::look(PyObject* item) {
  const std::size_t bytes = item_bytes(item);
  total_ += bytes * weight_;
  weight_ = until_look_ = bytes < kLargeItem ? kSample : 1;
}

PyPayload::PyPayload(PyPayload&& other) noexcept
    : items_(std::exchange(other.items_, {})),
      begin_(std::exchange(other.begin_, 0)),
      starts_(std::exchange(other.starts_, {})),
      first_start_(std::exchange(other.first_start_, 0)),
      item_bytes_(std::exchange(other.item_bytes_, std::nullopt)) {}

PyPayload::~PyPayload() {
  for (PyObject* item : items()) Py_DECREF(item);
}

std::size_t PyPayload::bytes_estimate() const {
  if (!item_bytes_ && !empty()) {
    const std::size_t sampled = std::min(size(), kSample);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < sampled; ++i) bytes += item_bytes(items()[i * size() / sampled]);
    item_bytes_ = static_cast<double>(bytes) / static_cast<double>(sampled);
  }
  return static_cast<std::size_t>(item_bytes_.value_or(0) * static_cast<double>(size()));
}

data::PayloadPtr PyPayload::share() const {
  auto shared = std::make_unique<PyPayload>();
  shared->items_.assign(items().begin(), items().end());
  for (PyObject* item : items()) Py_INCREF(item);
  for (const std::size_t start : starts()) shared->starts_.push_back(start - begin_);
  shared->item_bytes_ = item_bytes_;
  return shared;
}

data::PayloadPtr PyPayload::take_front(std::size_t count) {
  ENGINE_ASSERT(count <= size(), count, size());
  auto front = std::make_unique<PyPayload>();
  const auto taken = items().first(count);
  front->items_.assign(taken.begin(), taken.end());
  front->item_bytes_ = item_bytes_;
  while (first_start_ < starts_.size() && starts_[first_start_] <= begin_ + count) {
    front->starts_.push_back(starts_[first_start_++] - begin_);
  }
  begin_ += count;
  return front;
}

void PyPayload::append(data::PayloadPtr other) {
  PyPayload& more = as_py(*other);
  start_part();
  more.each_item([&](PyObject* item, bool starts) {
    if (starts) start_part();
    push(item);
  });
  more.clear();
  item_bytes_.reset();
}

std::size_t PyPayload::part_count() const {
  if (empty()) return 0;
  const bool nothing_behind = !starts().empty() && starts_.back() == items_.size();
  return 1 + starts().size() - (nothing_behind ? 1 : 0);
}

data::PayloadPtr PyPayload::take_part() {
  return take_front(starts().empty() ? size() : starts().front() - begin_);
}

// The references have gone elsewhere.
void PyPayload::clear() {
  items_.clear();
  starts_.clear();
  first_start_ = begin_ = 0;
}

py::object PyPayload::to_list() {
  auto list = py::reinterpret_steal<py::object>(PyList_New(static_cast<Py_ssize_t>(size())));
  if (!list) throw_user_error("making a list of " + count_of(size(), "item"));
  Py_ssize_t index = 0;
  for (PyObject* item : items()) PyList_SET_ITEM(list.ptr(), index++, item);
  clear();
  return list;
}

std::vector<PyObject*> PyPayload::release() {
  if (begin_ > 0) {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(begin_));
  }
  std::vector<PyObject*> items = std::move(items_);
  clear();
  return items;
}

bool PyPayload::append_if_listlike(PyObject* value) {
  // Sizes are read again for each item: without the interpreter's lock another thread of the user
  // may be changing the list.
  if (Py_TYPE(value)->tp_iter == PyList_Type.tp_iter && PyList_Check(value)) {
    reserve(size() + to_size(PyList_GET_SIZE(value)));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(value); ++i) {
      PyObject* item = list_item(value, i);
      if (item == nullptr) {
        PyErr_Clear();
        break;
      }
      push(item);
    }
    return true;
  }
  if (Py_TYPE(value)->tp_iter == PyTuple_Type.tp_iter && PyTuple_Check(value)) {
    const Py_ssize_t count = PyTuple_GET_SIZE(value);
    reserve(size() + to_size(count));
    for (Py_ssize_t i = 0; i < count; ++i) push_borrowed(PyTuple_GET_ITEM(value, i));
    return true;
  }
  return false;
}

void PyPayload::Rewriter::finish() {
  ENGINE_ASSERT(done(), read_, payload_.items_.size());
  truncate();
}

void PyPayload::Rewriter::truncate() {
  payload_.items_.resize(write_);
  payload_.starts_.resize(starts_written_);
  payload_.item_bytes_.reset();
}

data::PayloadPtr PyPayload::Rewriter::take_front() {
  auto front = std::make_unique<PyPayload>();
  const auto at = [&](std::size_t index) {
    return payload_.items_.begin() + static_cast<std::ptrdiff_t>(index);
  };
  front->items_.assign(at(payload_.begin_), at(write_));
  for (std::size_t i = payload_.first_start_; i < starts_written_; ++i) {
    front->starts_.push_back(payload_.starts_[i] - payload_.begin_);
  }
  payload_.first_start_ = starts_read_;
  payload_.begin_ = read_;
  payload_.item_bytes_.reset();
  return front;
}

void PyPayload::Rewriter::drop_part_and_rest(std::size_t part_begins) {
  PyPayload dropped;
  const auto drop = [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) dropped.push(payload_.items_[i]);
  };
  drop(part_begins, write_);
  drop(read_, payload_.items_.size());
  write_ = part_begins;
  truncate();
}

}  // namespace cppwax::bindings
