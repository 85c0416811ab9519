// The part that native keyed steps have in common: finding the state of each item's key, emitting
// under the engine's room, due times, the end of the data, what is stored. What a step does with a
// value is a `Logic`; it sees one key at a time.
//
// A Logic derives from NativeKeyedLogic, which has what most do not need, and has besides:
//
//   struct State;             as made by default: of a key that is new
//   explicit Logic(const KeyedSetup&);
//   using Slot = NativeSlot<State>;                   or TimedNativeSlot<State>
//   Keep on_value(Slot&, PyObject* value, KeyedOut&);                 the value is borrowed
//   Keep on_eof(Slot&, KeyedOut&);
//   py::object snapshot(Slot&);                       in the public shape of the Python form,
//                                                     but for what `copy_to_store` does
//   void restore(Slot&, py::object);                  from what `snapshot` gave
//
// Errors of all are UserCodeErrors, in the words of the Python form (`Calling`).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bindings/logic/key_changes.hpp"
#include "bindings/logic/key_table.hpp"
#include "bindings/logic/keyed_answer.hpp"
#include "bindings/logic/keyed_item.hpp"
#include "bindings/logic/native_keyed.hpp"
#include "bindings/logic/native_pair.hpp"
#include "bindings/py_call.hpp"
#include "bindings/py_payload.hpp"

namespace cppwax::bindings::native {

// Whether a key is kept. Of one that is over nothing stays; it begins anew with its next value, of
// the same batch too.
enum class Keep { kYes, kNo };

template <class State, class Base = KeySlot>
struct NativeSlot : Base {
  bool over = false;    // by the last call; it is forgotten at the end of the batch
  bool listed = false;  // among those that were over at some time in the batch
  State state;
};
// Of a logic that is timed.
template <class State>
using TimedNativeSlot = NativeSlot<State, TimedSlot>;

// For errors: which callback of the Python form stands for what is being done.
struct Calling {
  const char* method;
  const KeySlot& slot;

  std::string operator()() const { return calling(method, slot); }
};

// The same for what is stored.
struct Snapshotting {
  const KeySlot& slot;

  std::string operator()() const { return "calling `snapshot` of key " + shown(slot.key.ptr()); }
};

// Takes what a logic emits, as pairs with its key.
class KeyedOut {
 public:
  // Makes a payload of about so many items.
  explicit KeyedOut(std::size_t room) : room_(room) {}

  // Takes over the reference to the value.
  void emit(const KeySlot& slot, PyObject* value) {
    gathered_->push(new_pair(Py_NewRef(slot.key.ptr()), value));
    meter_.add(value);
  }

  // A call to a logic may be made as long as this is not so.
  bool full() const { return gathered_->size() >= room_ || meter_.total() >= kGatherBytes; }

  std::size_t size() const { return gathered_->size(); }
  void start_part() { gathered_->start_part(); }
  // Drops all that was emitted after the first so many.
  void keep_front(std::size_t count) {
    gathered_.reset(static_cast<PyPayload*>(gathered_->take_front(count).release()));
  }
  void pass_on(operators::Emitter& out) {
    if (!gathered_->empty()) out.emit(std::move(gathered_));
  }

 private:
  std::unique_ptr<PyPayload> gathered_ = std::make_unique<PyPayload>();
  std::size_t room_;
  BytesMeter meter_;
};

// What a Logic has without saying so; it hides what it has otherwise.
struct NativeKeyedLogic {
  // Whether the logic is called when a batch of the source begins, and for each of its keys when
  // its values are through, and keys have due times; small batches are not joined then.
  static constexpr bool kTimed = false;
  // Whether what one key sees may make others due: they have a watermark in common, which moves
  // between batches. REQUIRES: kTimed. Such a logic has besides:
  //
  //   std::optional<WallTime> due_by_watermark(const Slot&);   where it must be for `on_notify`
  //   void take_over();                         what has come counts for all keys from now on
  //   WallTime watermark(const KeySlot& first);                now
  //   WallTime told();                          the same when values brought it forward last
  //   std::optional<WallTime> due_of_all(const KeySlot& first, WallTime);   when to look for it
  //   void forget_time();                       there is no key left
  //   bool leaves_time() const;                 whether a key that is over may have known what the
  //                                             states of no others tell
  //   void keep_time(Slot&);                    lets the state of this one tell it
  static constexpr bool kSharesTime = false;
  // Whether `on_eof` does anything.
  static constexpr bool kHearsOfEof = true;

  void begin_batch() {}
  // What is pickled of what `snapshot` gave, unless that is a plain value.
  template <class Slot>
  py::object copy_to_store(const Slot&, const py::object& state) {
    return state;
  }
  std::optional<Duration> watermark_lag() const { return std::nullopt; }
  template <class Slot>
  Keep end_batch(Slot& slot, KeyedOut&) {
    return slot.over ? Keep::kNo : Keep::kYes;
  }
  template <class Slot>
  Keep on_notify(Slot&, KeyedOut&) {
    return Keep::kYes;
  }
  // When the key is due next; nullopt leaves an earlier time as it is.
  template <class Slot>
  std::optional<WallTime> notify_at(Slot&) {
    return std::nullopt;
  }
};

// The keys of one step on one worker, and the calls to their logic.
template <class Logic>
class NativeKeys {
 public:
  using Slot = typename Logic::Slot;
  using SlotPtr = bindings::SlotPtr<Slot>;

  explicit NativeKeys(const KeyedSetup& setup) : step_(setup.step.id), logic_(setup) {
    if (setup.seat.recovery) changes_.emplace();
  }

  // Refuses what is no keyed pair, before anything is done with a batch.
  void check(std::span<PyObject* const> items) const {
    for (PyObject* item : items) keyed_item(step_, item);
  }

  // Gives the number of the batch. Another one may begin before it is through.
  std::uint64_t begin_batch() {
    logic_.begin_batch();
    return ++batches_;
  }
  std::optional<Duration> watermark_lag() const { return logic_.watermark_lag(); }

  // Items that are about to be taken, soon and very soon. REQUIRES: checked.
  void expect(PyObject* soon) const { table_.expect(PyTuple_GET_ITEM(soon, 0)); }
  void expect_slot(PyObject* very_soon) const {
    table_.expect_slot(PyTuple_GET_ITEM(very_soon, 0));
  }

  // A key that is woken by the batch for the first time, or was over in it, goes to `touched`; so
  // does one that another batch has woken in between, once more.
  void take(PyObject* item, std::uint64_t batch, KeyedOut& out, std::vector<SlotPtr>& touched) {
    Slot& slot = table_.find_or_add<Slot>(PyTuple_GET_ITEM(item, 0));
    const Keep keep = logic_.on_value(slot, PyTuple_GET_ITEM(item, 1), out);
    changed(slot);
    if constexpr (Logic::kTimed) {
      if (slot.batch != batch) {
        slot.batch = batch;
        touched.push_back(shared(slot));
      }
      set_over(slot, keep);
    } else if (keep == Keep::kNo) [[unlikely]] {
      set_over(slot, keep);
      if (!std::exchange(slot.listed, true)) touched.push_back(shared(slot));
    } else {
      slot.over = false;
    }
  }

  // The values of a batch are through.
  void end_batch(Slot& slot, KeyedOut& out) {
    slot.listed = false;
    if constexpr (Logic::kTimed) set_over(slot, logic_.end_batch(slot, out));
    if (slot.over) discard(slot);
  }

  void on_notify(Slot& slot, KeyedOut& out) {
    if constexpr (Logic::kTimed) {
      // A batch of a later epoch keeps its place, and has not forgotten the key yet. What follows
      // in that batch may begin it anew, and then has the time that the key was due.
      if (slot.over) return due_.set(slot, slot.due.time);
    }
    finish_call(slot, logic_.on_notify(slot, out));
  }
  // No batch is in progress any more.
  void on_eof(Slot& slot, KeyedOut& out) { finish_call(slot, logic_.on_eof(slot, out)); }

  void ask_notify_at(Slot& slot) {
    if constexpr (Logic::kTimed) {
      if (const auto due = logic_.notify_at(slot)) due_.set(slot, *due);
    }
    if constexpr (Logic::kSharesTime) {
      if (const auto due = logic_.due_by_watermark(slot)) {
        due_by_watermark_.set(slot, *due);
      } else {
        due_by_watermark_.remove(slot);
      }
    }
  }
  void ask_notify_at(const std::vector<SlotPtr>& slots) {
    for (const SlotPtr& slot : slots) {
      if (!slot->erased && !slot->over) ask_notify_at(*slot);
    }
  }
  // To be called when keys have been asked: finds out when to look at the watermark they share.
  void all_asked() {
    if constexpr (Logic::kSharesTime) {
      auto* const first = static_cast<Slot*>(due_by_watermark_.first());
      const auto has_state = [](const Slot& slot) { return !slot.over; };
      if (Slot* teller = time_to_keep_ ? table_.any(first, has_state) : nullptr) {
        time_to_keep_ = false;
        logic_.keep_time(*teller);
        changes_->changed(*teller);
      }
      worker_due_ = first ? logic_.due_of_all(*first, *due_by_watermark_.least()) : std::nullopt;
    }
  }

  std::optional<WallTime> next_due() const {
    const auto due = due_.least();
    if constexpr (!Logic::kSharesTime) return due;
    return due && (!worker_due_ || *due < *worker_due_) ? due : worker_due_;
  }

  std::vector<SlotPtr> due_at(WallTime now) {
    std::vector<SlotPtr> slots;
    if constexpr (Logic::kSharesTime) {
      if (const TimedSlot* first = due_by_watermark_.first()) {
        for (TimedSlot* slot : due_by_watermark_.take_due(logic_.watermark(*first))) {
          due_.remove(*slot);
          slots.push_back(shared(*slot));
        }
      }
    }
    for (TimedSlot* slot : due_.take_due(now)) {
      due_by_watermark_.remove(*slot);
      slots.push_back(shared(*slot));
    }
    return slots;
  }
  // Those that are due now that a batch of these keys is through.
  std::vector<SlotPtr> due_by_batch(const std::vector<SlotPtr>& touched) {
    ask_notify_at(touched);
    logic_.take_over();
    return due_at(system_clock().wall());
  }
  std::vector<SlotPtr> all() const {
    std::vector<SlotPtr> slots;
    slots.reserve(table_.size());
    for (KeySlot* slot : table_.sorted()) slots.push_back(shared(*slot));
    return slots;
  }

  recovery::Entries take_changes(std::size_t at_most) {
    return changes_->take(at_most, [this](KeySlot& slot) {
      Slot& own = static_cast<Slot&>(slot);
      return changes_->codec().stored_form_of(
          logic_.snapshot(own), [&] { return of_key(slot); },
          [&](const py::object& state) { return logic_.copy_to_store(own, state); });
    });
  }

  void restore(const recovery::Entries& entries) {
    for (const recovery::Entry& entry : entries) {
      Slot& slot = table_.find_or_add<Slot>(str_of(entry.key).ptr());
      slot.stored = true;
      const auto whose = [&] { return of_key(slot); };
      logic_.restore(slot, changes_->codec().restore(*entry.state, whose));
      ask_notify_at(slot);
    }
    if constexpr (Logic::kSharesTime) logic_.take_over();
    all_asked();
  }
  // As KeyedBody's. Values have made these keys due, though others' and not in this run.
  bool resume() {
    if constexpr (Logic::kSharesTime) {
      const auto least = due_by_watermark_.least();
      if (least && *least <= logic_.told()) {
        worker_due_ = WallTime();
        return true;
      }
    }
    return false;
  }

 private:
  static SlotPtr shared(KeySlot& slot) { return SlotPtr(&static_cast<Slot&>(slot)); }
  static std::string of_key(const KeySlot& slot) { return " of key " + shown(slot.key.ptr()); }

  void changed(Slot& slot) {
    if (changes_) changes_->changed(slot);
  }
  void set_over(Slot& slot, Keep keep) {
    slot.over = keep == Keep::kNo;
    if (slot.over) slot.state = {};
  }
  void finish_call(Slot& slot, Keep keep) {
    changed(slot);
    if (keep == Keep::kNo) discard(slot);
  }
  void discard(Slot& slot) {
    if constexpr (Logic::kTimed) {
      due_.remove(slot);
      due_by_watermark_.remove(slot);
    }
    if (changes_) changes_->discarded(slot);
    table_.erase(slot);
    if constexpr (Logic::kSharesTime) {
      time_to_keep_ = changes_ && table_.size() > 0 && logic_.leaves_time();
      if (table_.size() == 0) logic_.forget_time();
    }
  }

  const StepId& step_;
  Logic logic_;
  KeyTable table_;
  SystemDues due_;
  // Where keys share time, by event time; and when to look at the watermark.
  WatermarkDues due_by_watermark_;
  std::optional<WallTime> worker_due_;
  bool time_to_keep_ = false;  // of a key that is over; no state tells it yet
  std::uint64_t batches_ = 0;
  std::optional<KeyChanges> changes_;  // with recovery only
};

}  // namespace cppwax::bindings::native
