// Ends of channels that keep in memory what they are given, for tests of one side alone, and ends
// that join a sender and a receiver directly, for tests of both.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "engine/channel/endpoint.hpp"
#include "engine/channel/receiver.hpp"
#include "engine/channel/sender.hpp"

namespace cppwax::test {

using Messages = std::vector<data::Message>;

// The log outlives it.
class LogPush final : public channel::Push {
 public:
  explicit LogPush(Messages& log) : log_(log) {}
  void push(data::Message message) override { log_.push_back(std::move(message)); }

 private:
  Messages& log_;
};

struct Refunded {
  Epoch epoch;
  channel::Amount amount;
  bool operator==(const Refunded&) const = default;
};

// The log outlives it.
class LogRefund final : public channel::Refund {
 public:
  explicit LogRefund(std::vector<Refunded>& log) : log_(log) {}
  void refund(Epoch epoch, channel::Amount amount) override { log_.push_back({epoch, amount}); }

 private:
  std::vector<Refunded>& log_;
};

class CountingWaker final : public channel::Waker {
 public:
  void wake() override { ++count_; }
  // The number of wakes since the last call.
  int take() { return std::exchange(count_, 0); }

 private:
  int count_ = 0;
};

// From a sender to one receiver in the same memory. The pointer is set before the first message.
class MemoryPush final : public channel::Push {
 public:
  MemoryPush(channel::Receiver*& receiver, std::size_t sender)
      : receiver_(receiver), sender_(sender) {}
  void push(data::Message message) override { receiver_->deliver(sender_, std::move(message)); }

 private:
  channel::Receiver*& receiver_;
  std::size_t sender_;
};

// The way back. The pointer is set before the first refund.
class MemoryRefund final : public channel::Refund {
 public:
  MemoryRefund(channel::Sender*& sender, std::size_t receiver)
      : sender_(sender), receiver_(receiver) {}
  void refund(Epoch epoch, channel::Amount amount) override {
    sender_->restore(receiver_, epoch, amount);
  }

 private:
  channel::Sender*& sender_;
  std::size_t receiver_;
};

}  // namespace cppwax::test
