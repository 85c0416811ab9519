// Batches of Python objects. The only place where references to items are counted.
//
// Lists that come from user code are copied before anything else runs, lists that go to user code
// are new and given away (docs/decisions/0006-who-owns-a-list.md).
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bindings/py_call.hpp"
#include "engine/data/payload.hpp"

namespace cppwax::bindings {

// About how much memory an item takes: `nbytes` of arrays, the length of str and bytes, the values
// of a small tuple, else the object alone. Runs no user code.
std::size_t item_bytes(PyObject* item);

// Adds up item_bytes over items that are being gathered, looking at each large item but only at
// some of the small ones.
class BytesMeter {
 public:
  void add(PyObject* item) {
    if (--until_look_ == 0) look(item);
  }
  std::size_t total() const { return total_; }

 private:
  void look(PyObject* item);

  std::size_t total_ = 0;
  std::size_t until_look_ = 1;
  std::size_t weight_ = 1;  // how many items the next look stands for
};

// Made, used and destroyed with the interpreter held, by one worker.
// Invariant: owns one reference to each of items().
class PyPayload : public data::Payload {
 public:
  PyPayload() = default;
  // Leaves `other` empty.
  PyPayload(PyPayload&& other) noexcept;
  ~PyPayload() override;

  std::size_t size() const override { return items_.size() - begin_; }
  std::size_t bytes_estimate() const override;
  data::PayloadPtr share() const override;
  data::PayloadPtr take_front(std::size_t count) override;
  void append(data::PayloadPtr other) override;
  std::size_t part_count() const override;
  data::PayloadPtr take_part() override;

  // Borrowed; valid until the payload changes.
  std::span<PyObject* const> items() const { return std::span(items_).subspan(begin_); }
  bool empty() const { return size() == 0; }

  void reserve(std::size_t count) { items_.reserve(begin_ + count); }
  // Takes over the reference.
  void push(PyObject* item) { items_.push_back(item); }
  void push_borrowed(PyObject* item) { items_.push_back(Py_NewRef(item)); }

  // Lets what is pushed from now on be a part of its own.
  void start_part() {
    if (items_.size() > last_start()) starts_.push_back(items_.size());
  }
  // Calls `use(item, starts)` for each item; `starts` tells that a part other than the first begins
  // with it.
  template <class Use>
  void each_item(Use&& use) const {
    auto start = starts_.begin();
    for (std::size_t i = begin_; i < items_.size(); ++i) {
      const bool starts = start != starts_.end() && *start == i;
      if (starts) ++start;
      use(items_[i], starts);
    }
  }

  // Gives all items away as a new list; the payload is empty then.
  py::object to_list();
  // Gives all items away.
  std::vector<PyObject*> release();

  // Appends all items of a list or a tuple and returns true; false for everything else, subclasses
  // that iterate in their own way too.
  bool append_if_listlike(PyObject* value);

 private:
  void clear();
  std::size_t last_start() const { return starts_.empty() ? begin_ : starts_.back(); }

  std::vector<PyObject*> items_;
  std::size_t begin_ = 0;  // what is before was taken off
  // Where parts but the first begin, rising; the last may lie at the end, with nothing behind it.
  std::vector<std::size_t> starts_;
  mutable std::optional<double> item_bytes_;  // mean of a sample
};

inline PyPayload& as_py(data::Payload& payload) {
  return static_cast<PyPayload&>(payload);
}
inline const PyPayload& as_py(const data::Payload& payload) {
  return static_cast<const PyPayload&>(payload);
}

// Whether `iter(value)` may work; else it raises an error that says less than ours.
inline bool may_iterate(PyObject* value) {
  return Py_TYPE(value)->tp_iter != nullptr || PySequence_Check(value);
}

// Appends everything an iterable gives.
template <class Doing>
void append_all(PyPayload& payload, Doing&& doing, PyObject* iterable) {
  if (payload.append_if_listlike(iterable)) return;
  py::object iterator =
      call_result(surviving_exit([&] { return PyObject_GetIter(iterable); }), doing);
  while (PyObject* item = next_item(doing, iterator.ptr())) payload.push(item);
}

}  // namespace cppwax::bindings
