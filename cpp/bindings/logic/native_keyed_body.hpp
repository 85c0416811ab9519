// The body of a native keyed step, over its NativeKeys: goes through batches, keys that are due and
// the end of the data, in jobs that keep their place when there is no room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bindings/logic/native_keys.hpp"

namespace cppwax::bindings::native {

// Goes through a list of keys as long as there is room. The keys are left in place.
template <class SlotPtr>
class KeyRound {
 public:
  KeyRound() = default;
  explicit KeyRound(std::vector<SlotPtr> slots) : slots_(std::move(slots)) {}

  std::vector<SlotPtr>& slots() { return slots_; }
  bool done() const { return next_ == slots_.size(); }

  // Leaves out keys that are forgotten.
  template <class Call>
  void run(KeyedOut& out, Call&& call) {
    while (!done() && !out.full()) {
      auto& slot = *slots_[next_++];
      if (!slot.erased) call(slot);
    }
  }

 private:
  std::vector<SlotPtr> slots_;
  std::size_t next_ = 0;
};

// Values, then what was due when they came, then the keys' next due times. Several such jobs may be
// in progress at a time, in different epochs.
template <class Logic>
class NativeValuesJob final : public operators::Job {
 public:
  using Keys = NativeKeys<Logic>;
  using SlotPtr = typename Keys::SlotPtr;

  // `keys` outlives the job.
  NativeValuesJob(Keys& keys, data::PayloadPtr batch)
      : keys_(keys), batch_(std::move(batch)), reader_(as_py(*batch_)) {}

  operators::Work run(operators::Emitter& out) override {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    const std::size_t room = out.room();
    if (room == 0) return operators::Work::kMore;
    KeyedOut gathered(room);
    work_up_to_room(gathered);
    gathered.pass_on(out);
    return failure_ || !done_ ? operators::Work::kMore : operators::Work::kDone;
  }

 private:
  // Of a joined batch, the parts before one that fails go on.
  void work_up_to_room(KeyedOut& out) {
    std::size_t part_begins = 0;
    try {
      work(out, part_begins);
    } catch (...) {
      if (part_begins == 0) throw;
      out.keep_front(part_begins);
      failure_ = std::current_exception();
    }
  }

  void work(KeyedOut& out, std::size_t& part_begins) {
    while (!reader_.done()) {
      if (out.full()) return;
      if (left_in_part_ == 0) {
        if (begun_) {
          out.start_part();
          part_begins = out.size();
        }
        begin_part();
      }
      look_ahead();
      keys_.take(reader_.item(), number_, out, touched_.slots());
      reader_.advance();
      --left_in_part_;
    }
    touched_.run(out, [&](auto& slot) { keys_.end_batch(slot, out); });
    if (!touched_.done()) return;
    if constexpr (Logic::kSharesTime) {
      if (!std::exchange(through_, true)) due_ = KeyRound(keys_.due_by_batch(touched_.slots()));
    }
    if constexpr (Logic::kTimed) {
      due_.run(out, [&](auto& slot) { keys_.on_notify(slot, out); });
      if (!due_.done()) return;
      if constexpr (!Logic::kSharesTime) keys_.ask_notify_at(touched_.slots());
      keys_.ask_notify_at(due_.slots());
      keys_.all_asked();
    }
    done_ = true;
  }

  // States of many keys do not fit into the processor's cache.
  void look_ahead() {
    constexpr std::size_t kLater = 16;
    constexpr std::size_t kSoon = 8;
    constexpr std::size_t kVerySoon = 4;
    if (left_in_part_ <= kSoon) return;
    // Another worker has had it last, if it was routed.
    if (left_in_part_ > kLater) __builtin_prefetch(reader_.item_behind(kLater), 1);
    keys_.expect(reader_.item_behind(kSoon));
    keys_.expect_slot(reader_.item_behind(kVerySoon));
  }

  void begin_part() {
    const auto part = reader_.part();
    keys_.check(part);
    left_in_part_ = part.size();
    if (std::exchange(begun_, true) && !Logic::kTimed) return;
    number_ = keys_.begin_batch();
    if constexpr (Logic::kTimed && !Logic::kSharesTime) {
      if (keys_.next_due()) due_ = KeyRound<SlotPtr>(keys_.due_at(system_clock().wall()));
    }
  }

  Keys& keys_;
  data::PayloadPtr batch_;
  PyPayload::Reader reader_;
  std::uint64_t number_ = 0;  // of the batch
  std::size_t left_in_part_ = 0;
  bool begun_ = false;
  bool through_ = false;  // where keys share time: all that is left is who is due
  bool done_ = false;
  KeyRound<SlotPtr> touched_;
  KeyRound<SlotPtr> due_;
  std::exception_ptr failure_;  // comes out when what was gathered before it is through
};

enum class NativeCall { kNotify, kEof };

// Calls that no values come with.
template <class Logic>
class NativeCallsJob final : public operators::Job {
 public:
  using Keys = NativeKeys<Logic>;
  using SlotPtr = typename Keys::SlotPtr;

  // `keys` outlives the job.
  NativeCallsJob(Keys& keys, std::vector<SlotPtr> slots, NativeCall call)
      : keys_(keys), round_(std::move(slots)), call_(call) {}

  operators::Work run(operators::Emitter& out) override {
    const std::size_t room = out.room();
    if (room == 0 && !round_.done()) return operators::Work::kMore;
    KeyedOut gathered(room);
    round_.run(gathered, [&](auto& slot) {
      if (call_ == NativeCall::kNotify) return keys_.on_notify(slot, gathered);
      keys_.on_eof(slot, gathered);
    });
    gathered.pass_on(out);
    if (!round_.done()) return operators::Work::kMore;
    keys_.ask_notify_at(round_.slots());
    keys_.all_asked();
    return operators::Work::kDone;
  }

 private:
  Keys& keys_;
  KeyRound<SlotPtr> round_;
  NativeCall call_;
};

template <class Logic>
class NativeKeyedBody final : public operators::KeyedBody {
 public:
  explicit NativeKeyedBody(const KeyedSetup& setup) : keys_(setup) {}

  bool sees_batches() const override { return Logic::kTimed; }
  std::unique_ptr<operators::Job> on_batch(data::PayloadPtr batch) override {
    return std::make_unique<NativeValuesJob<Logic>>(keys_, std::move(batch));
  }
  std::unique_ptr<operators::Job> on_due(WallTime now) override {
    return calls(keys_.due_at(now), NativeCall::kNotify);
  }
  std::unique_ptr<operators::Job> on_eof() override {
    // Keys are brought into order for it, which takes long where there are many.
    if constexpr (!Logic::kHearsOfEof) return nullptr;
    return calls(keys_.all(), NativeCall::kEof);
  }
  std::optional<WallTime> next_due() const override { return keys_.next_due(); }
  std::optional<Duration> watermark_lag() const override { return keys_.watermark_lag(); }
  recovery::Entries take_changes(std::size_t at_most) override {
    return keys_.take_changes(at_most);
  }
  void restore(recovery::Entries entries) override { keys_.restore(entries); }
  bool resume() override { return keys_.resume(); }

 private:
  using Keys = NativeKeys<Logic>;

  std::unique_ptr<operators::Job> calls(std::vector<typename Keys::SlotPtr> slots,
                                        NativeCall call) {
    return std::make_unique<NativeCallsJob<Logic>>(keys_, std::move(slots), call);
  }

  Keys keys_;
};

}  // namespace cppwax::bindings::native
