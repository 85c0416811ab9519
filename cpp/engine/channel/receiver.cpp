#include "engine/channel/receiver.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/error.hpp"

namespace cppwax::channel {

Receiver::Receiver(std::vector<std::unique_ptr<Refund>> senders, Waker& step)
    : senders_(std::move(senders)), step_(step) {}

void Receiver::deliver(std::size_t sender, data::Message message) {
  ENGINE_ASSERT(sender < senders_.size(), sender, senders_.size());
  const auto is_frontier = [](const data::Message& any) {
    return std::holds_alternative<data::FrontierAdvance>(any);
  };
  // Only the last one: between two of the same sender there may be another sender's message, and
  // replacing the older in its place would be right too, but is not worth a search.
  const bool replaces = is_frontier(message) && !queue_.empty() && queue_.back().sender == sender &&
                        is_frontier(queue_.back().message);
  if (replaces) {
    queue_.back().message = std::move(message);
  } else {
    queue_.push_back({sender, std::move(message)});
  }
  step_.wake();
}

std::optional<Envelope> Receiver::take() {
  if (queue_.empty()) return std::nullopt;
  Envelope first = std::move(queue_.front());
  queue_.pop_front();
  return first;
}

// Gathered, so that a sender hears of many small batches at once.
void Receiver::owe(std::size_t sender, Epoch epoch, Amount amount) {
  ENGINE_ASSERT(sender < senders_.size(), sender, senders_.size());
  if (amount == Amount{}) return;
  const auto same = std::find_if(debts_.begin(), debts_.end(), [&](const Debt& debt) {
    return debt.sender == sender && debt.epoch == epoch;
  });
  if (same != debts_.end()) {
    same->amount += amount;
  } else {
    debts_.push_back({sender, epoch, amount});
  }
}

void Receiver::pay() {
  for (const Debt& debt : debts_) senders_[debt.sender]->refund(debt.epoch, debt.amount);
  debts_.clear();
}

}  // namespace cppwax::channel
