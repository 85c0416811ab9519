// The receiving end of a channel on one worker: the queue of one input of one step.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "engine/channel/credit.hpp"
#include "engine/channel/endpoint.hpp"
#include "engine/data/message.hpp"

namespace cppwax::channel {

// A message with the sender it came from (an index into the channel's senders).
struct Envelope {
  std::size_t sender;
  data::Message message;
};

// Belongs to one worker. FIFO per sender. What limits the queue: the credit of the senders.
class Receiver {
 public:
  // `step` is woken by every message.
  Receiver(std::vector<std::unique_ptr<Refund>> senders, Waker& step);

  // A frontier that follows a frontier of the same sender directly replaces it (P1).
  void deliver(std::size_t sender, data::Message message);
  std::optional<Envelope> take();
  bool empty() const { return queue_.empty(); }
  std::size_t sender_count() const { return senders_.size(); }

  // Notes that a batch, or a part of one, has been worked on; `pay` gives its credit back.
  void owe(std::size_t sender, Epoch epoch, Amount amount);
  void pay();

 private:
  struct Debt {
    std::size_t sender;
    Epoch epoch;
    Amount amount;
  };
  std::vector<std::unique_ptr<Refund>> senders_;
  Waker& step_;
  std::deque<Envelope> queue_;
  std::vector<Debt> debts_;
};

// The senders of several inputs, which are numbered through in this order.
inline std::size_t count_senders(const std::vector<Receiver*>& inputs) {
  std::size_t count = 0;
  for (const Receiver* input : inputs) count += input->sender_count();
  return count;
}

}  // namespace cppwax::channel
