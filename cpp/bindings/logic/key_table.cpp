#include "bindings/logic/key_table.hpp"

#include <algorithm>
#include <utility>

#include "bindings/py_call.hpp"
#include "engine/base/error.hpp"

namespace cppwax::bindings {

namespace {

constexpr std::size_t kFirstPlaces = 16;

// The first characters of a text as a number, such that texts with different numbers compare as
// these do: most comparisons then need not look at the texts, which lie all over the memory.
// Characters beyond one byte end it, all as the same number.
std::uint64_t beginning_of(PyObject* text) {
  constexpr Py_ssize_t kTaken = 8;
  constexpr Py_UCS4 kBeyond = 0xff;
  const Py_ssize_t length = PyUnicode_GET_LENGTH(text);
  std::uint64_t number = 0;
  for (Py_ssize_t i = 0; i < kTaken; ++i) {
    number <<= 8;
    if (i >= length) continue;
    const Py_UCS4 character = PyUnicode_READ_CHAR(text, i);
    if (character >= kBeyond) return (number | kBeyond) << (8 * (kTaken - 1 - i));
    number |= character;
  }
  return number;
}

}  // namespace

KeyTable::KeyTable() : places_(kFirstPlaces) {}

KeySlot& KeyTable::add(PyObject* key, Py_hash_t hash, std::size_t place, KeySlotPtr slot) {
  slot->key = made([] { return "taking the key of an item"; }, PyUnicode_FromObject(key));
  if ((size_ + 1) * 3 > places_.size() * 2) {
    grow();
    place = home_of(hash);
    while (places_[place].slot) place = after(place);
  }
  ++size_;
  places_[place].hash = hash;
  places_[place].slot = std::move(slot);
  return *places_[place].slot;
}

void KeyTable::grow() {
  std::vector<Place> old(places_.size() * 2);
  old.swap(places_);
  for (Place& from : old) {
    if (!from.slot) continue;
    std::size_t place = home_of(from.hash);
    while (places_[place].slot) place = after(place);
    places_[place] = std::move(from);
  }
}

void KeyTable::erase(KeySlot& slot) {
  std::size_t gap = home_of(text_hash(slot.key.ptr()));
  while (places_[gap].slot.get() != &slot) gap = after(gap);
  // Dies at the end, if nobody else holds it: dropping its objects may run user code.
  const KeySlotPtr erased = std::move(places_[gap].slot);
  erased->erased = true;
  --size_;
  // Close the gap, so that a search never has to pass a free place.
  for (std::size_t place = after(gap); places_[place].slot; place = after(place)) {
    const std::size_t home = home_of(places_[place].hash);
    const bool reaches_gap =
        gap <= place ? (home <= gap || home > place) : (home <= gap && home > place);
    if (!reaches_gap) continue;
    places_[gap] = std::move(places_[place]);
    gap = place;
  }
}

std::vector<KeySlot*> KeyTable::sorted() const {
  struct Entry {
    std::uint64_t begins;
    KeySlot* slot;
  };
  std::vector<Entry> entries;
  entries.reserve(size_);
  for (const Place& place : places_) {
    if (place.slot) entries.push_back({beginning_of(place.slot->key.ptr()), place.slot.get()});
  }
  std::ranges::sort(entries, [](const Entry& left, const Entry& right) {
    if (left.begins != right.begins) return left.begins < right.begins;
    return PyUnicode_Compare(left.slot->key.ptr(), right.slot->key.ptr()) < 0;
  });
  std::vector<KeySlot*> slots;
  slots.reserve(size_);
  for (const Entry& entry : entries) slots.push_back(entry.slot);
  return slots;
}

template <Due TimedSlot::* kWhich>
std::optional<WallTime> DueHeap<kWhich>::least() const {
  if (heap_.empty()) return std::nullopt;
  return due(heap_.front()).time;
}

template <Due TimedSlot::* kWhich>
void DueHeap<kWhich>::put(std::size_t place, TimedSlot* slot) {
  heap_[place] = slot;
  due(slot).place = place;
}

template <Due TimedSlot::* kWhich>
void DueHeap<kWhich>::rise(std::size_t place) {
  TimedSlot* slot = heap_[place];
  while (place > 0) {
    const std::size_t parent = (place - 1) / 2;
    if (due(heap_[parent]).time <= due(slot).time) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, slot);
}

template <Due TimedSlot::* kWhich>
void DueHeap<kWhich>::sink(std::size_t place) {
  TimedSlot* slot = heap_[place];
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && due(heap_[child + 1]).time < due(heap_[child]).time) ++child;
    if (due(slot).time <= due(heap_[child]).time) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, slot);
}

template <Due TimedSlot::* kWhich>
void DueHeap<kWhich>::set(TimedSlot& slot, WallTime time) {
  Due& own = due(&slot);
  own.time = time;
  if (own.place == kNowhere) {
    heap_.push_back(&slot);
    own.place = heap_.size() - 1;
  }
  rise(own.place);
  sink(own.place);
}

template <Due TimedSlot::* kWhich>
void DueHeap<kWhich>::remove(TimedSlot& slot) {
  const std::size_t place = due(&slot).place;
  if (place == kNowhere) return;
  TimedSlot* last = heap_.back();
  heap_.pop_back();
  due(&slot).place = kNowhere;
  if (last == &slot) return;
  put(place, last);
  rise(place);
  sink(due(last).place);
}

template <Due TimedSlot::* kWhich>
std::vector<TimedSlot*> DueHeap<kWhich>::take_due(WallTime now) {
  std::vector<TimedSlot*> taken;
  while (!heap_.empty() && due(heap_.front()).time <= now) {
    taken.push_back(heap_.front());
    remove(*heap_.front());
  }
  return taken;
}

template class DueHeap<&TimedSlot::due>;
template class DueHeap<&TimedSlot::due_by_watermark>;

}  // namespace cppwax::bindings
