// Batches of Python objects. The only place where references to items are counted.
//
// Lists that come from user code are copied before anything else runs, lists that go to user code
// are new and given away: whoever made a list may change it as long as it likes.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
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

// About so much of what user code makes is gathered before the engine is asked for room again:
// results may be far larger than the items they are made of.
inline constexpr std::size_t kGatherBytes = std::size_t{4} << 20;

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

  // Makes place for so many in all. What is reserved bit by bit grows as if it were pushed.
  void reserve(std::size_t count) {
    const std::size_t needed = begin_ + count;
    if (needed > items_.capacity()) items_.reserve(std::max(needed, 2 * items_.capacity()));
  }
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
    std::size_t next = first_start_;
    for (std::size_t i = begin_; i < items_.size(); ++i) {
      const bool starts = next < starts_.size() && starts_[next] == i;
      if (starts) ++next;
      use(items_[i], starts);
    }
  }

  // Go through the items (below): one keeps its place, one puts others in their place.
  class Reader;
  class Rewriter;

  // Gives all items away as a new list; the payload is empty then.
  py::object to_list();
  // Gives all items away.
  std::vector<PyObject*> release();

  // Appends all items of a list or a tuple and returns true; false for everything else, subclasses
  // that iterate in their own way too.
  bool append_if_listlike(PyObject* value);

 private:
  void clear();
  // Where parts but the first begin.
  std::span<const std::size_t> starts() const { return std::span(starts_).subspan(first_start_); }
  std::size_t last_start() const { return starts().empty() ? begin_ : starts_.back(); }

  std::vector<PyObject*> items_;
  std::size_t begin_ = 0;  // what is before was taken off
  // Where parts but the first begin, rising; the last may lie at the end, with nothing behind it.
  std::vector<std::size_t> starts_;
  std::size_t first_start_ = 0;               // what is before was taken off
  mutable std::optional<double> item_bytes_;  // mean of a sample
};

// A place in a payload, which must outlive it unchanged.
class PyPayload::Reader {
 public:
  explicit Reader(const PyPayload& payload)
      : payload_(payload), at_(payload.begin_), next_start_(payload.first_start_) {}

  bool done() const { return at_ == payload_.items_.size(); }
  // REQUIRES of both: not done().
  PyObject* item() const { return payload_.items_[at_]; }
  // The one so many places behind it. REQUIRES: there is one.
  PyObject* item_behind(std::size_t count) const { return payload_.items_[at_ + count]; }
  // Whether a part other than the first begins with the item.
  bool starts() const {
    return next_start_ < payload_.starts_.size() && payload_.starts_[next_start_] == at_;
  }
  void advance() {
    if (starts()) ++next_start_;
    ++at_;
  }
  // The items from here to the end of the part.
  std::span<PyObject* const> part() const {
    const std::size_t next = next_start_ + (starts() ? 1 : 0);
    const std::size_t end =
        next < payload_.starts_.size() ? payload_.starts_[next] : payload_.items_.size();
    return std::span(payload_.items_).subspan(at_, end - at_);
  }

 private:
  const PyPayload& payload_;
  std::size_t at_;
  std::size_t next_start_;
};

// Goes through a payload part by part and puts what becomes of each item in its place: references
// that go on are moved, not counted, parts stay parts, and those of which nothing is left vanish.
// REQUIRES: nothing else uses the payload meanwhile.
class PyPayload::Rewriter {
 public:
  // REQUIRES: the payload is not empty.
  explicit Rewriter(PyPayload& payload)
      : payload_(payload),
        read_(payload.begin_),
        write_(payload.begin_),
        starts_read_(payload.first_start_),
        starts_written_(payload.first_start_) {}

  bool done() const { return read_ == payload_.items_.size(); }

  // Rewrites the next part. `fate(item)` takes the item's reference over and gives one to what goes
  // on in its place, or null. If it throws it must have left the reference alone; the payload then
  // holds what the parts before have become, and nothing else, and the rewriter is of no more use.
  template <class Fate>
  void rewrite_part(Fate&& fate);

  // Ends the rewriting: the payload is what has become of it. REQUIRES: done().
  void finish();
  // What has become of the parts so far. The payload keeps the rest, for a rewriter of its own.
  data::PayloadPtr take_front();

 private:
  void drop_part_and_rest(std::size_t part_begins);
  void truncate();

  PyPayload& payload_;
  std::size_t read_;
  std::size_t write_;
  std::size_t starts_read_;
  std::size_t starts_written_;
};

template <class Fate>
void PyPayload::Rewriter::rewrite_part(Fate&& fate) {
  const bool is_last = starts_read_ == payload_.starts_.size();
  const std::size_t end = is_last ? payload_.items_.size() : payload_.starts_[starts_read_++];
  const std::size_t part_begins = write_;
  PyObject** const items = payload_.items_.data();
  try {
    while (read_ < end) {
      PyObject* const result = fate(items[read_]);
      ++read_;
      items[write_] = result;
      write_ += result != nullptr;
    }
  } catch (...) {
    drop_part_and_rest(part_begins);
    throw;
  }
  if (write_ > part_begins && part_begins > payload_.begin_) {
    payload_.starts_[starts_written_++] = part_begins;
  }
}

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
