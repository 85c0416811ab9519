// The keys of a keyed step with what is kept for each, and the order in which they are due.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include "bindings/logic/slot_ptr.hpp"
#include "engine/base/clock.hpp"

namespace cppwax::bindings {

namespace py = pybind11;

inline constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

// A time at which a key is to be called, and where it is in the heap of these.
struct Due {
  WallTime time{};
  std::size_t place = kNowhere;
};

// What every keyed step keeps for a key. A step derives its own slots, with the state, from it.
struct KeySlot {
  KeySlot() = default;
  KeySlot(const KeySlot&) = delete;
  KeySlot& operator=(const KeySlot&) = delete;
  virtual ~KeySlot() = default;

  py::object key;  // exactly a str
  // With recovery: where it is among the keys that changed since they were stored.
  std::size_t change = kNowhere;
  std::uint32_t holders = 0;  // for SlotPtr
  bool erased = false;  // no longer in the table; whoever still holds the slot must look again
  bool stored = false;  // with recovery: whether a state of it is stored
};

// Shared by the table and the jobs in progress, all of one worker.
using KeySlotPtr = SlotPtr<KeySlot>;

// What a step whose keys have due times keeps besides.
struct TimedSlot : KeySlot {
  std::uint64_t batch = 0;  // the last one that had values of this key
  Due due;                  // in system time
  Due due_by_watermark;     // in event time, where the keys of a step have that in common
};

// What Python's own dict would hash a str by. `key` may be of a subclass, whose own hash is not
// asked.
inline Py_hash_t text_hash(PyObject* key) {
#ifndef Py_GIL_DISABLED
  const Py_hash_t known = reinterpret_cast<PyASCIIObject*>(key)->hash;
  if (known != -1) [[likely]]
    return known;
#endif
  return PyUnicode_Type.tp_hash(key);
}

// Whether two strs have the same text: a subclass may define equality in its own way, in user code.
inline bool same_text(PyObject* left, PyObject* right) {
  if (left == right) return true;
  const auto length = PyUnicode_GET_LENGTH(left);
  const auto kind = PyUnicode_KIND(left);
  if (length != PyUnicode_GET_LENGTH(right) || kind != PyUnicode_KIND(right)) return false;
  return std::memcmp(PyUnicode_DATA(left), PyUnicode_DATA(right),
                     static_cast<std::size_t>(length) * kind) == 0;
}

// Finds slots by the text of a str. Belongs to one worker; used with the interpreter held.
class KeyTable {
 public:
  KeyTable();

  // The slot of a key, made if there is none. `key` is a str or of a subclass, which counts as the
  // str with the same text. REQUIRES: one table has slots of one kind.
  template <class Slot>
  Slot& find_or_add(PyObject* key) {
    const Py_hash_t hash = text_hash(key);
    std::size_t place = home_of(hash);
    for (; places_[place].slot; place = after(place)) {
      if (places_[place].hash == hash && same_text(places_[place].slot->key.ptr(), key)) {
        return static_cast<Slot&>(*places_[place].slot);
      }
    }
    return static_cast<Slot&>(add(key, hash, place, KeySlotPtr(new Slot)));
  }
  // Of a key that is about to be looked for: brings what is asked first into the processor's cache,
  // then what that leads to. They do nothing else; the key may be in the table or not.
  void expect(PyObject* key) const { __builtin_prefetch(&places_[home_of(text_hash(key))]); }
  void expect_slot(PyObject* key) const {
    __builtin_prefetch(places_[home_of(text_hash(key))].slot.get());
  }

  void erase(KeySlot& slot);
  std::size_t size() const { return size_; }
  // Any slot that `fits`, a predicate or member, accepts: `likely` (or null) if it does, else the
  // one of the last time if that does. Null if there is none.
  template <class Slot, class Fits>
  Slot* any(Slot* likely, const Fits& fits) {
    if (likely != nullptr && std::invoke(fits, *likely)) return likely;
    for (std::size_t looked_at = 0; looked_at < places_.size(); ++looked_at) {
      auto* slot = static_cast<Slot*>(places_[last_given_].slot.get());
      if (slot != nullptr && std::invoke(fits, *slot)) return slot;
      last_given_ = after(last_given_);
    }
    return nullptr;
  }
  // All slots, sorted by key.
  std::vector<KeySlot*> sorted() const;

 private:
  struct Place {
    Py_hash_t hash = 0;
    KeySlotPtr slot;  // null: free
  };

  std::size_t home_of(Py_hash_t hash) const {
    return static_cast<std::size_t>(hash) & (places_.size() - 1);
  }
  std::size_t after(std::size_t place) const { return (place + 1) & (places_.size() - 1); }
  KeySlot& add(PyObject* key, Py_hash_t hash, std::size_t place, KeySlotPtr slot);
  void grow();

  std::vector<Place> places_;  // a power of two, at most two thirds of them taken
  std::size_t size_ = 0;
  std::size_t last_given_ = 0;  // the place at which `any` begins
};

// A binary heap of slots by due time, in which a slot knows its place: a time that is replaced
// leaves nothing behind. `kWhich` of the due times of slots it is about. REQUIRES: a slot is
// removed before it dies.
template <Due TimedSlot::* kWhich>
class DueHeap {
 public:
  std::optional<WallTime> least() const;
  // The slot that is due first; null if there is none.
  TimedSlot* first() const { return heap_.empty() ? nullptr : heap_.front(); }
  // Sets or replaces the due time of a slot.
  void set(TimedSlot& slot, WallTime time);
  // Does nothing for a slot that has none.
  void remove(TimedSlot& slot);
  // Takes out all slots that are due at `now`, in order of their times.
  std::vector<TimedSlot*> take_due(WallTime now);

 private:
  static Due& due(TimedSlot* slot) { return slot->*kWhich; }
  void put(std::size_t place, TimedSlot* slot);
  void rise(std::size_t place);
  void sink(std::size_t place);

  std::vector<TimedSlot*> heap_;
};

using SystemDues = DueHeap<&TimedSlot::due>;
using WatermarkDues = DueHeap<&TimedSlot::due_by_watermark>;

}  // namespace cppwax::bindings
