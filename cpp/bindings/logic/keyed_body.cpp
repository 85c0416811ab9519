#include "bindings/logic/keyed_body.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings/logic/key_changes.hpp"
#include "bindings/logic/key_table.hpp"
#include "bindings/logic/keyed_answer.hpp"
#include "bindings/logic/keyed_item.hpp"
#include "bindings/logic/native_keyed.hpp"
#include "bindings/logic/worker_time.hpp"
#include "bindings/py_call.hpp"
#include "bindings/py_payload.hpp"
#include "engine/base/error.hpp"

namespace cppwax::bindings {

namespace {

using operators::Emitter;
using operators::Work;

enum class Call { kOnBatch, kOnNotify, kOnEof };

// A key with its logic.
struct BuiltSlot : TimedSlot {
  py::object logic;       // null until it is built
  std::size_t group = 0;  // of the last batch that had values of it
};

using BuiltSlotPtr = SlotPtr<BuiltSlot>;

BuiltSlotPtr shared(KeySlot& slot) {
  return BuiltSlotPtr(&static_cast<BuiltSlot&>(slot));
}

// A key that a job has to call, with its values in a batch: a chain through the batch's values.
struct Woken {
  BuiltSlotPtr slot;
  Call call;
  bool is_last = true;  // of the calls to this key; it is asked for its next due time then
  std::size_t first_value = kNowhere;
  std::size_t last_value = kNowhere;
  std::size_t value_count = 0;
};

// The values of a batch, by key, in order of arrival. Owns a reference to each.
class GroupedValues {
 public:
  void reserve(std::size_t count) { chain_.reserve(count); }

  void add(Woken& key, PyObject* value) {
    (key.value_count++ == 0 ? key.first_value : chain_[key.last_value].next) = chain_.size();
    key.last_value = chain_.size();
    chain_.push_back({py::reinterpret_borrow<py::object>(value), kNowhere});
  }

  // Takes the values of a key out, as a new list.
  py::object take(const Woken& key) {
    PyPayload values;
    values.reserve(key.value_count);
    for (std::size_t i = key.first_value; i != kNowhere; i = chain_[i].next) {
      values.push(chain_[i].value.release().ptr());
    }
    return values.to_list();
  }

 private:
  struct Link {
    py::object value;
    std::size_t next;
  };
  std::vector<Link> chain_;
};

// The keys of one step on one worker, with the calls to their logics.
class Keys {
 public:
  Keys(const PyStep& step, const PyTypes& types, operators::Seat seat)
      : step_(step.id),
        types_(types),
        answers_(step.id, types),
        builder_(builder_for_worker(types, attribute_of(step.op.ptr(), "builder"))) {
    if (seat.recovery) changes_.emplace();
  }

  // Whether what one key sees may make others due.
  bool share_time() const { return builder_.time.has_value(); }

  // Puts the values of a batch to their keys; returns the keys in order of their first value, and
  // after them those that are due already, whatever their `on_batch` will say. Where keys share
  // time, `add_due_by_batch` gives those.
  std::vector<Woken> group(const PyPayload& batch, GroupedValues& values) {
    std::vector<Woken> woken;
    values.reserve(batch.size());
    ++batches_;
    for (PyObject* item : batch.items()) {
      const KeyedItem pair = keyed_item(step_, item);
      BuiltSlot& slot = table_.find_or_add<BuiltSlot>(pair.key);
      if (slot.batch != batches_) {
        slot.batch = batches_;
        slot.group = woken.size();
        woken.push_back({shared(slot), Call::kOnBatch});
      }
      values.add(woken[slot.group], pair.value);
    }
    if (due_.least() && !share_time()) add_due(woken, system_clock().wall());
    return woken;
  }

  // Those that are due now that a batch is through.
  void add_due_by_batch(std::vector<Woken>& woken) {
    builder_.time->take_over();
    for (Woken& due : due_at(system_clock().wall())) woken.push_back(std::move(due));
  }

  std::vector<Woken> due_at(WallTime now) {
    std::vector<Woken> woken;
    if (const KeySlot* first = due_by_watermark_.first()) {
      for (TimedSlot* slot : due_by_watermark_.take_due(builder_.time->watermark(*first))) {
        due_.remove(*slot);
        woken.push_back({shared(*slot), Call::kOnNotify});
      }
    }
    for (TimedSlot* slot : due_.take_due(now)) {
      due_by_watermark_.remove(*slot);
      woken.push_back({shared(*slot), Call::kOnNotify});
    }
    return woken;
  }

  std::vector<Woken> all() const {
    std::vector<Woken> woken;
    for (KeySlot* slot : table_.sorted()) woken.push_back({shared(*slot), Call::kOnEof});
    return woken;
  }

  std::optional<WallTime> next_due() const {
    const auto due = due_.least();
    return due && (!worker_due_ || *due < *worker_due_) ? due : worker_due_;
  }

  Answer on_batch(BuiltSlot& slot, const py::object& values) {
    const auto doing = [&] { return calling("on_batch", slot); };
    if (!slot.logic) build(slot, py::none());
    return answers_.read(call_method(doing, slot.logic.ptr(), types_.on_batch, values.ptr()),
                         "on_batch", slot);
  }

  Answer on_notify(BuiltSlot& slot) {
    const auto doing = [&] { return calling("on_notify", slot); };
    return answers_.read(call_method(doing, slot.logic.ptr(), types_.on_notify), "on_notify", slot);
  }

  Answer on_eof(BuiltSlot& slot) {
    const auto doing = [&] { return calling("on_eof", slot); };
    return answers_.read(call_method(doing, slot.logic.ptr(), types_.on_eof), "on_eof", slot);
  }

  // The slot of the same key, which is another one if the key was discarded meanwhile.
  BuiltSlotPtr present(const BuiltSlotPtr& slot) {
    return slot->erased ? shared(table_.find_or_add<BuiltSlot>(slot->key.ptr())) : slot;
  }

  void discard(BuiltSlot& slot) {
    due_.remove(slot);
    due_by_watermark_.remove(slot);
    if (changes_) changes_->discarded(slot);
    table_.erase(slot);
    if (!share_time()) return;
    time_to_keep_ = changes_ && table_.size() > 0;
    if (table_.size() == 0) builder_.time->forget();
  }

  // A callback of this key has run.
  void changed(KeySlot& slot) {
    if (changes_) changes_->changed(slot);
  }

  recovery::Entries take_changes(std::size_t at_most) {
    return changes_->take(at_most, [this](KeySlot& slot) {
      return changes_->codec().snapshot_of(static_cast<BuiltSlot&>(slot).logic,
                                           [&] { return of_key(slot); });
    });
  }

  void restore(recovery::Entries entries) {
    for (const recovery::Entry& entry : entries) {
      BuiltSlot& slot = table_.find_or_add<BuiltSlot>(str_of(entry.key).ptr());
      slot.stored = true;
      build(slot, changes_->codec().restore(*entry.state, [&] { return of_key(slot); }));
      ask_notify_at(slot);
    }
    if (share_time()) builder_.time->take_over();
    all_asked();
  }

  // As KeyedBody's. Values have made these keys due, though others' and not in this run.
  bool resume() {
    const KeySlot* first = due_by_watermark_.first();
    if (!first || *due_by_watermark_.least() > builder_.time->told(*first)) return false;
    worker_due_ = WallTime();
    return true;
  }

  // Asks a logic for its next due time. None leaves an earlier time as it is.
  void ask_notify_at(BuiltSlot& slot) {
    if (const auto due = answers_.ask_notify_at(slot.logic, slot)) due_.set(slot, *due);
    if (!share_time()) return;
    if (const auto due = builder_.time->due_by_watermark(slot.logic, slot)) {
      due_by_watermark_.set(slot, *due);
    } else {
      due_by_watermark_.remove(slot);
    }
  }

  // To be called when keys have been asked: finds out when to look at the watermark they share.
  void all_asked() {
    auto* const first = static_cast<BuiltSlot*>(due_by_watermark_.first());
    if (auto* teller = time_to_keep_ ? table_.any(first, &BuiltSlot::logic) : nullptr) {
      time_to_keep_ = false;
      builder_.time->keep_in(teller->logic, *teller);
      changes_->changed(*teller);
    }
    worker_due_ = first ? builder_.time->due(*first, *due_by_watermark_.least()) : std::nullopt;
  }

 private:
  void add_due(std::vector<Woken>& woken, WallTime now) {
    for (Woken& due : due_at(now)) {
      if (due.slot->batch == batches_) woken[due.slot->group].is_last = false;
      woken.push_back(std::move(due));
    }
  }

  static std::string of_key(const KeySlot& slot) { return " of key " + shown(slot.key.ptr()); }

  void build(BuiltSlot& slot, const py::object& state) {
    const auto doing = [&] { return calling("builder", slot); };
    py::object logic = call_user(doing, builder_.builder.ptr(), state.ptr());
    const int is = PyObject_IsInstance(logic.ptr(), types_.stateful_batch_logic.ptr());
    if (is < 0) throw_user_error("checking the result of `builder`");
    if (is == 0) {
      throw_type_error(doing(),
                       "step '" + step_ +
                           "': the result of `builder` must be a `StatefulBatchLogic`, got a `" +
                           type_name(logic.ptr()) + "`",
                       Wrapped::kNo);
    }
    slot.logic = std::move(logic);
  }

  const StepId& step_;
  const PyTypes& types_;
  AnswerReader answers_;
  WorkerBuilder builder_;
  KeyTable table_;
  SystemDues due_;
  // Where keys share time, by event time; and when to look at the watermark.
  WatermarkDues due_by_watermark_;
  std::optional<WallTime> worker_due_;
  bool time_to_keep_ = false;  // of a key that is over; no state tells it yet
  std::uint64_t batches_ = 0;
  std::optional<KeyChanges> changes_;  // with recovery only
};

// Makes the calls to the woken keys, then asks those that are left when they are due.
// Several such jobs may be in progress at a time, in different epochs.
class KeysJob : public operators::Job {
 public:
  // What no values come with makes no others due. `keys` outlives the job.
  KeysJob(Keys& keys, std::vector<Woken> woken)
      : keys_(keys), woken_(std::move(woken)), others_added_(true) {}
  KeysJob(Keys& keys, std::vector<Woken> woken, GroupedValues values)
      : keys_(keys),
        woken_(std::move(woken)),
        values_(std::move(values)),
        others_added_(!keys.share_time()) {}

  Work run(Emitter& out) override {
    if (!wake_all(out)) return Work::kMore;
    if (!std::exchange(others_added_, true)) {
      ask_all();
      keys_.add_due_by_batch(woken_);
      if (!wake_all(out)) return Work::kMore;
    }
    ask_all();
    keys_.all_asked();
    return Work::kDone;
  }

 private:
  // False: there is no room for what is left.
  bool wake_all(Emitter& out) {
    while (next_ < woken_.size()) {
      const std::size_t room = out.room();
      if (room == 0) return false;
      auto gathered = std::make_unique<PyPayload>();
      BytesMeter meter;
      while (next_ < woken_.size() && gathered->size() < room && meter.total() < kGatherBytes) {
        wake(woken_[next_++], *gathered, meter);
      }
      if (!gathered->empty()) out.emit(std::move(gathered));
    }
    return true;
  }

  void ask_all() {
    for (; asked_ < woken_.size(); ++asked_) {
      const Woken& key = woken_[asked_];
      if (key.is_last && !key.slot->erased) keys_.ask_notify_at(*key.slot);
    }
  }

  void wake(Woken& key, PyPayload& gathered, BytesMeter& meter) {
    if (key.call == Call::kOnBatch) {
      // Another slot has no other calls.
      if (key.slot->erased) key.is_last = true;
      key.slot = keys_.present(key.slot);
    } else if (key.slot->erased) {
      return;
    }
    BuiltSlot& slot = *key.slot;
    const Answer answer = ask(key);
    keys_.changed(slot);
    for (PyObject* value : answer.values.items()) {
      PyObject* pair = PyTuple_Pack(2, slot.key.ptr(), value);
      if (pair == nullptr) throw_user_error("making an item");
      gathered.push(pair);
      meter.add(value);
    }
    if (answer.discard) keys_.discard(slot);
  }

  Answer ask(const Woken& key) {
    switch (key.call) {
      case Call::kOnBatch:
        return keys_.on_batch(*key.slot, values_.take(key));
      case Call::kOnNotify:
        return keys_.on_notify(*key.slot);
      case Call::kOnEof:
        break;
    }
    return keys_.on_eof(*key.slot);
  }

  Keys& keys_;
  std::vector<Woken> woken_;
  GroupedValues values_;
  std::size_t next_ = 0;
  std::size_t asked_ = 0;
  bool others_added_;  // or there are none to add
};

class BuilderBody : public operators::KeyedBody {
 public:
  BuilderBody(const PyStep& step, const PyTypes& types, operators::Seat seat)
      : keys_(step, types, seat) {}

  std::unique_ptr<operators::Job> on_batch(data::PayloadPtr batch) override {
    GroupedValues values;
    auto woken = keys_.group(as_py(*batch), values);
    batch.reset();
    return std::make_unique<KeysJob>(keys_, std::move(woken), std::move(values));
  }

  std::unique_ptr<operators::Job> on_due(WallTime now) override {
    return std::make_unique<KeysJob>(keys_, keys_.due_at(now));
  }

  std::unique_ptr<operators::Job> on_eof() override {
    return std::make_unique<KeysJob>(keys_, keys_.all());
  }

  std::optional<WallTime> next_due() const override { return keys_.next_due(); }

  recovery::Entries take_changes(std::size_t at_most) override {
    return keys_.take_changes(at_most);
  }
  void restore(recovery::Entries entries) override { keys_.restore(std::move(entries)); }
  bool resume() override { return keys_.resume(); }

 private:
  Keys keys_;
};

}  // namespace

std::unique_ptr<operators::KeyedBody> make_keyed_body(const PyStep& step, const PyTypes& types,
                                                      operators::Seat seat) {
  if (auto native =
          make_native_keyed({step, types, seat, attribute_of(step.op.ptr(), "builder")})) {
    return native;
  }
  return std::make_unique<BuilderBody>(step, types, seat);
}

}  // namespace cppwax::bindings
