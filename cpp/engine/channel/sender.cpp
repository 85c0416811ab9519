#include "engine/channel/sender.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/error.hpp"

namespace cppwax::channel {

Sender::Sender(std::vector<std::unique_ptr<Push>> receivers, Amount window, bool two_windows,
               Waker& step)
    : step_(step) {
  ENGINE_ASSERT(!receivers.empty());
  receivers_.reserve(receivers.size());
  for (auto& push : receivers) {
    receivers_.push_back({std::move(push), CreditWindows(window, two_windows)});
  }
}

void Sender::send(Epoch epoch, data::PayloadPtr payload) {
  ENGINE_ASSERT(!ended_, epoch);
  ENGINE_ASSERT(epoch >= frontier_, epoch, frontier_);
  if (!payload || payload->size() == 0) return;
  if (!router_) {
    ENGINE_ASSERT(receivers_.size() == 1, receivers_.size());
    return send_to(0, epoch, std::move(payload));
  }
  // Cleared first: a router that failed may have left parts of another batch.
  parts_.clear();
  parts_.resize(receivers_.size());
  router_->split(std::move(payload), parts_);
  for (std::size_t i = 0; i < parts_.size(); ++i) send_to(i, epoch, std::move(parts_[i]));
}

void Sender::send_to(std::size_t receiver, Epoch epoch, data::PayloadPtr payload) {
  if (!payload || payload->size() == 0) return;
  Receiving& to = receivers_[receiver];
  const Amount amount{static_cast<std::int64_t>(payload->size()),
                      static_cast<std::int64_t>(payload->bytes_estimate())};
  to.credit.spend(epoch, amount);
  to.push->push(data::Batch{epoch, std::move(payload), amount});
}

void Sender::advance(Epoch epoch) {
  ENGINE_ASSERT(!ended_, epoch);
  ENGINE_ASSERT(epoch >= frontier_, epoch, frontier_);
  if (epoch == frontier_) return;
  frontier_ = epoch;
  for (Receiving& to : receivers_) to.push->push(data::FrontierAdvance{epoch});
}

void Sender::end(data::End end) {
  ENGINE_ASSERT(!ended_, end.epoch);
  ENGINE_ASSERT(end.epoch >= frontier_, end.epoch, frontier_);
  ended_ = true;
  for (Receiving& to : receivers_) to.push->push(end);
}

bool Sender::open(Epoch epoch) const {
  return std::all_of(receivers_.begin(), receivers_.end(),
                     [&](const Receiving& to) { return to.credit.open(epoch); });
}

std::int64_t Sender::room(Epoch epoch) const {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const Receiving& to : receivers_) least = std::min(least, to.credit.room(epoch));
  return least;
}

void Sender::restore(std::size_t receiver, Epoch epoch, Amount amount) {
  ENGINE_ASSERT(receiver < receivers_.size(), receiver, receivers_.size());
  CreditWindows& credit = receivers_[receiver].credit;
  const bool was_open = credit.open(epoch);
  credit.restore(epoch, amount);
  // A step waits for credit only while a window is closed (P4).
  if (!was_open && credit.open(epoch)) step_.wake();
}

}  // namespace cppwax::channel
