#include "bindings/logic/keyed_body.hpp"

#include <string>
#include <utility>
#include <vector>

#include "bindings/logic/key_table.hpp"
#include "bindings/logic/keyed_item.hpp"
#include "bindings/py_call.hpp"
#include "bindings/py_payload.hpp"
#include "engine/base/error.hpp"

namespace cppwax::bindings {

namespace {

using operators::Emitter;
using operators::Work;

// What is gathered over keys before the engine is asked for room again.
constexpr std::size_t kGatherBytes = std::size_t{4} << 20;

enum class Call { kOnBatch, kOnNotify, kOnEof };

// What a callback of a key gave.
struct Answer {
  PyPayload values;
  bool discard = false;
};

// The values of a batch, by key, in order of arrival. Owns a reference to each.
class GroupedValues {
 public:
  void add(KeySlot& slot, PyObject* value) {
    (slot.value_count++ == 0 ? slot.first_value : chain_[slot.last_value].next) = chain_.size();
    slot.last_value = chain_.size();
    chain_.push_back({py::reinterpret_borrow<py::object>(value), kNowhere});
  }

  // Takes the values of a key out, as a new list.
  py::object take(KeySlot& slot) {
    PyPayload values;
    values.reserve(slot.value_count);
    for (std::size_t i = slot.first_value; i != kNowhere; i = chain_[i].next) {
      values.push(chain_[i].value.release().ptr());
    }
    slot.first_value = slot.last_value = kNowhere;
    slot.value_count = 0;
    return values.to_list();
  }

  void reserve(std::size_t count) { chain_.reserve(count); }

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
  Keys(const PyStep& step, const PyTypes& types)
      : step_(step.id),
        types_(types),
        builder_(attribute_of([] { return std::string("looking up `builder`"); }, step.op.ptr(),
                              "builder")) {}

  // Puts the values of a batch to their keys; returns the keys in order of their first value.
  std::vector<KeySlot*> group(const PyPayload& batch, GroupedValues& values) {
    std::vector<KeySlot*> woken;
    values.reserve(batch.size());
    for (PyObject* item : batch.items()) {
      const KeyedItem pair = keyed_item(step_, item);
      KeySlot& slot = table_.find_or_add(pair.key);
      if (slot.value_count == 0) woken.push_back(&slot);
      values.add(slot, pair.value);
    }
    return woken;
  }

  std::vector<KeySlot*> take_due(WallTime now) { return due_.take_due(now); }
  std::vector<KeySlot*> sorted() const { return table_.sorted(); }
  std::optional<WallTime> next_due() const { return due_.least(); }

  Answer call(Call call, KeySlot& slot, GroupedValues& values) {
    const auto doing = [&] { return calling(name_of(call), slot); };
    switch (call) {
      case Call::kOnBatch: {
        if (!slot.logic) build(slot);
        const py::object list = values.take(slot);
        return read(call_method(doing, slot.logic.ptr(), types_.on_batch, list.ptr()), call, slot);
      }
      case Call::kOnNotify:
        return read(call_method(doing, slot.logic.ptr(), types_.on_notify), call, slot);
      case Call::kOnEof:
        break;
    }
    return read(call_method(doing, slot.logic.ptr(), types_.on_eof), call, slot);
  }

  void discard(KeySlot& slot) {
    due_.remove(slot);
    table_.erase(slot);
  }

  // Asks a logic for its next due time. None leaves an earlier time as it is.
  void ask_notify_at(KeySlot& slot) {
    const auto doing = [&] { return calling("notify_at", slot); };
    const py::object answer = call_method(doing, slot.logic.ptr(), types_.notify_at);
    if (answer.is_none()) return;
    std::string why;
    const auto due = wall_time_of(types_, answer.ptr(), why);
    if (!due) {
      throw_type_error(doing(), "step '" + step_ +
                                    "': the result of `notify_at` must be a `datetime` with a "
                                    "timezone, or None; " +
                                    why);
    }
    due_.set(slot, *due);
  }

 private:
  static const char* name_of(Call call) {
    switch (call) {
      case Call::kOnBatch: return "on_batch";
      case Call::kOnNotify: return "on_notify";
      case Call::kOnEof: break;
    }
    return "on_eof";
  }

  static std::string calling(const char* method, const KeySlot& slot) {
    return std::string("calling `") + method + "` for key " + shown(slot.key.ptr());
  }

  void build(KeySlot& slot) {
    const auto doing = [&] { return calling("builder", slot); };
    py::object logic = call_user(doing, builder_.ptr(), Py_None);
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

  Answer read(const py::object& result, Call call, const KeySlot& slot) {
    PyObject* pair = result.ptr();
    const auto refuse = [&](const std::string& what) {
      throw_type_error(calling(name_of(call), slot),
                       "step '" + step_ + "': the result of `" + name_of(call) + "` " + what);
    };
    if (!PyTuple_Check(pair)) {
      refuse("must be a 2-tuple `(items, is_complete)`, got a `" + type_name(pair) + "`");
    }
    if (PyTuple_GET_SIZE(pair) != 2) {
      refuse("must be a 2-tuple `(items, is_complete)`, got a tuple of " +
             count_of(static_cast<std::size_t>(PyTuple_GET_SIZE(pair)), "item"));
    }
    PyObject* items = PyTuple_GET_ITEM(pair, 0);
    PyObject* complete = PyTuple_GET_ITEM(pair, 1);
    if (!PyBool_Check(complete)) {
      refuse("has an `is_complete` that must be a `bool`, got a `" + type_name(complete) + "`");
    }
    if (!types_.is_sequence(items)) {
      refuse("has items that must be a list or another sequence, got a `" + type_name(items) +
             "`");
    }
    Answer answer;
    append_all(answer.values, [&] { return "reading the items of " + calling(name_of(call), slot); },
               items);
    answer.discard = complete == Py_True;
    return answer;
  }

  const StepId& step_;
  const PyTypes& types_;
  py::object builder_;
  KeyTable table_;
  DueHeap due_;
};

// Calls one method for each of the woken keys, then asks those that are left when they are due.
class KeysJob : public operators::Job {
 public:
  // `keys` outlives the job.
  KeysJob(Keys& keys, Call call, std::vector<KeySlot*> woken, GroupedValues values = {})
      : keys_(keys), call_(call), woken_(std::move(woken)), values_(std::move(values)) {}

  Work run(Emitter& out) override {
    while (next_ < woken_.size()) {
      const std::size_t room = out.room();
      if (room == 0) return Work::kMore;
      auto gathered = std::make_unique<PyPayload>();
      BytesMeter meter;
      while (next_ < woken_.size() && gathered->size() < room && meter.total() < kGatherBytes) {
        wake(next_++, *gathered, meter);
      }
      if (!gathered->empty()) out.emit(std::move(gathered));
    }
    for (KeySlot* slot : woken_) {
      if (slot != nullptr) keys_.ask_notify_at(*slot);
    }
    return Work::kDone;
  }

 private:
  void wake(std::size_t index, PyPayload& gathered, BytesMeter& meter) {
    KeySlot& slot = *woken_[index];
    const Answer answer = keys_.call(call_, slot, values_);
    for (PyObject* value : answer.values.items()) {
      PyObject* pair = PyTuple_Pack(2, slot.key.ptr(), value);
      if (pair == nullptr) throw_user_error("making an item");
      gathered.push(pair);
      meter.add(value);
    }
    if (!answer.discard) return;
    woken_[index] = nullptr;
    keys_.discard(slot);
  }

  Keys& keys_;
  Call call_;
  std::vector<KeySlot*> woken_;  // null: discarded
  GroupedValues values_;
  std::size_t next_ = 0;
};

class BuilderBody : public operators::KeyedBody {
 public:
  BuilderBody(const PyStep& step, const PyTypes& types) : keys_(step, types) {}

  std::unique_ptr<operators::Job> on_batch(data::PayloadPtr batch) override {
    GroupedValues values;
    auto woken = keys_.group(as_py(*batch), values);
    batch.reset();
    return std::make_unique<KeysJob>(keys_, Call::kOnBatch, std::move(woken), std::move(values));
  }

  std::unique_ptr<operators::Job> on_due(WallTime now) override {
    return std::make_unique<KeysJob>(keys_, Call::kOnNotify, keys_.take_due(now));
  }

  std::unique_ptr<operators::Job> on_eof() override {
    return std::make_unique<KeysJob>(keys_, Call::kOnEof, keys_.sorted());
  }

  std::optional<WallTime> next_due() const override { return keys_.next_due(); }

 private:
  Keys keys_;
};

}  // namespace

std::unique_ptr<operators::KeyedBody> make_keyed_body(const PyStep& step, const PyTypes& types) {
  return std::make_unique<BuilderBody>(step, types);
}

}  // namespace cppwax::bindings
