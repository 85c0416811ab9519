// One step alone on the bench: a worker that a test plays, inputs it fills, outputs it reads.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/channel/receiver.hpp"
#include "engine/channel/sender.hpp"
#include "engine/operators/outputs.hpp"
#include "engine/operators/step_host.hpp"
#include "engine/recovery/entry.hpp"
#include "support/fake_clock.hpp"
#include "support/int_payload.hpp"
#include "support/memory_endpoints.hpp"

namespace cppwax::test {

class FakeHost final : public operators::StepHost {
 public:
  const Clock& clock() const override { return time; }
  Epoch opened() const override { return opened_epoch; }
  bool stopping() const override { return stop; }
  bool probe_passed(Epoch epoch) const override { return epoch <= probe; }
  bool epoch_each_poll() const override { return interval_zero; }
  bool may_join() const override { return joining; }
  void report_active(Epoch epoch) override { active.push_back(epoch.value()); }
  void abort() override { aborted = true; }

  FakeClock time;
  Epoch opened_epoch = kFirstEpoch;
  Epoch probe = kFirstEpoch;
  bool stop = false;
  bool interval_zero = false;
  bool joining = false;
  bool aborted = false;
  std::vector<std::uint64_t> active;
};

// "1:[10 11]", "F2", "Eof3", "Stopped3".
inline std::string text_of(const data::Message& message) {
  if (const auto* batch = std::get_if<data::Batch>(&message)) {
    std::string text = std::to_string(batch->epoch.value()) + ":[";
    for (const std::int64_t item : values_of(batch->payload)) {
      text += (text.ends_with('[') ? "" : " ") + std::to_string(item);
    }
    return text + "]";
  }
  if (const auto* frontier = std::get_if<data::FrontierAdvance>(&message)) {
    return "F" + std::to_string(frontier->epoch.value());
  }
  const auto& end = std::get<data::End>(message);
  return (end.kind == data::EndKind::kEof ? "Eof" : "Stopped") + std::to_string(end.epoch.value());
}

// An output whose consumer is the test.
class Drain {
 public:
  explicit Drain(channel::Amount window = channel::kDefaultWindow, bool two_windows = false)
      : sender_(pushes(), window, two_windows, waker_) {}

  channel::Sender* sender() { return &sender_; }
  // What has come since the last call.
  std::vector<std::string> take() {
    std::vector<std::string> texts;
    for (const data::Message& message : log_) {
      texts.push_back(text_of(message));
      if (const auto* batch = std::get_if<data::Batch>(&message)) owed_ += batch->amount;
    }
    log_.clear();
    return texts;
  }
  // The same, of a stream that carries entries: "step key=state".
  std::vector<std::string> take_entries() {
    std::vector<std::string> texts;
    for (const data::Message& message : log_) {
      const auto* batch = std::get_if<data::Batch>(&message);
      if (!batch) {
        texts.push_back(text_of(message));
        continue;
      }
      owed_ += batch->amount;
      const auto& of_step = recovery::entries_in(*batch->payload);
      for (const recovery::Entry& entry : of_step.entries()) {
        texts.push_back(of_step.step() + " " + entry.key + "=" + entry.state.value_or("gone"));
      }
    }
    log_.clear();
    return texts;
  }
  // Gives back the credit of all that was taken.
  void repay(Epoch epoch = kFirstEpoch) { sender_.restore(0, epoch, std::exchange(owed_, {})); }
  int wakes() { return waker_.take(); }

 private:
  std::vector<std::unique_ptr<channel::Push>> pushes() {
    std::vector<std::unique_ptr<channel::Push>> one;
    one.push_back(std::make_unique<LogPush>(log_));
    return one;
  }

  Messages log_;
  CountingWaker waker_;
  channel::Amount owed_;
  channel::Sender sender_;
};

// An input that the test fills.
class Feed {
 public:
  explicit Feed(std::size_t senders = 1) : receiver_(refunds(senders), waker_) {}

  channel::Receiver* receiver() { return &receiver_; }
  void batch(std::uint64_t epoch, Ints items, std::size_t sender = 0) {
    const channel::Amount amount{static_cast<std::int64_t>(items.size()),
                                 static_cast<std::int64_t>(8 * items.size())};
    receiver_.deliver(sender, data::Batch{Epoch(epoch), ints(std::move(items)), amount});
  }
  void frontier(std::uint64_t epoch, std::size_t sender = 0) {
    receiver_.deliver(sender, data::FrontierAdvance{Epoch(epoch)});
  }
  void eof(std::uint64_t epoch, std::size_t sender = 0) {
    receiver_.deliver(sender, data::End{data::EndKind::kEof, Epoch(epoch)});
  }
  void stopped(std::uint64_t epoch, std::size_t sender = 0) {
    receiver_.deliver(sender, data::End{data::EndKind::kStopped, Epoch(epoch)});
  }
  // Items given back so far.
  std::int64_t repaid(std::size_t sender = 0) const {
    std::int64_t items = 0;
    for (const Refunded& refunded : refunded_[sender]) items += refunded.amount.items;
    return items;
  }

 private:
  std::vector<std::unique_ptr<channel::Refund>> refunds(std::size_t senders) {
    std::vector<std::unique_ptr<channel::Refund>> all;
    for (std::size_t i = 0; i < senders; ++i) refunded_.emplace_back();
    for (auto& log : refunded_) all.push_back(std::make_unique<LogRefund>(log));
    return all;
  }

  std::deque<std::vector<Refunded>> refunded_;
  CountingWaker waker_;
  channel::Receiver receiver_;
};

inline operators::Outputs outputs_to(std::vector<Drain*> ports, std::vector<Drain*> signals = {},
                                     Drain* snapshots = nullptr) {
  std::vector<std::vector<channel::Sender*>> senders;
  for (Drain* drain : ports) senders.push_back({drain->sender()});
  std::vector<channel::Sender*> signal_senders;
  for (Drain* drain : signals) signal_senders.push_back(drain->sender());
  return {std::move(senders), std::move(signal_senders), snapshots ? snapshots->sender() : nullptr};
}

}  // namespace cppwax::test
