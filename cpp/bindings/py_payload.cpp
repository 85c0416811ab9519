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
  for (const std::size_t start : starts_) shared->starts_.push_back(start - begin_);
  shared->item_bytes_ = item_bytes_;
  return shared;
}

data::PayloadPtr PyPayload::take_front(std::size_t count) {
  ENGINE_ASSERT(count <= size(), count, size());
  auto front = std::make_unique<PyPayload>();
  const auto taken = items().first(count);
  front->items_.assign(taken.begin(), taken.end());
  front->item_bytes_ = item_bytes_;
  const auto behind = std::upper_bound(starts_.begin(), starts_.end(), begin_ + count);
  for (auto start = starts_.begin(); start != behind; ++start) {
    front->starts_.push_back(*start - begin_);
  }
  starts_.erase(starts_.begin(), behind);
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
  const bool nothing_behind = !starts_.empty() && starts_.back() == items_.size();
  return 1 + starts_.size() - (nothing_behind ? 1 : 0);
}

data::PayloadPtr PyPayload::take_part() {
  return take_front(starts_.empty() ? size() : starts_.front() - begin_);
}

// The references have gone elsewhere.
void PyPayload::clear() {
  items_.clear();
  starts_.clear();
  begin_ = 0;
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

}  // namespace cppwax::bindings
