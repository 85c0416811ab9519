#include "engine/progress/input_frontier.hpp"

#include <algorithm>

#include "engine/base/error.hpp"

namespace cppwax::progress {

InputFrontier::InputFrontier(std::size_t sender_count, Epoch first)
    : senders_(sender_count, Sender{first, std::nullopt}),
      open_(sender_count),
      first_(first),
      least_(first) {}

void InputFrontier::advance(std::size_t sender, Epoch epoch) {
  ENGINE_ASSERT(sender < senders_.size(), sender, senders_.size());
  Sender& from = senders_[sender];
  ENGINE_ASSERT(!from.end, sender, epoch);
  ENGINE_ASSERT(epoch >= from.frontier, sender, epoch, from.frontier);
  const bool held_least = from.frontier == least_;
  from.frontier = epoch;
  if (held_least) recompute();
}

void InputFrontier::end(std::size_t sender, data::End end) {
  ENGINE_ASSERT(sender < senders_.size(), sender, senders_.size());
  Sender& from = senders_[sender];
  ENGINE_ASSERT(!from.end, sender, end.epoch);
  ENGINE_ASSERT(end.epoch >= from.frontier, sender, end.epoch, from.frontier);
  from.end = end;
  --open_;
  recompute();
}

bool InputFrontier::allows(std::size_t sender, Epoch epoch) const {
  ENGINE_ASSERT(sender < senders_.size(), sender, senders_.size());
  const Sender& from = senders_[sender];
  return !from.end && epoch >= from.frontier;
}

std::optional<Epoch> InputFrontier::least() const {
  if (open_ == 0) return std::nullopt;
  return least_;
}

std::optional<data::End> InputFrontier::ended() const {
  if (open_ > 0) return std::nullopt;
  data::End all{data::EndKind::kEof, first_};
  for (const Sender& sender : senders_) {
    all.epoch = std::max(all.epoch, sender.end->epoch);
    if (sender.end->kind == data::EndKind::kStopped) all.kind = data::EndKind::kStopped;
  }
  return all;
}

// P1: the minimum over the senders. One that has ended holds nothing open any more.
void InputFrontier::recompute() {
  std::optional<Epoch> least;
  for (const Sender& sender : senders_) {
    if (!sender.end && (!least || sender.frontier < *least)) least = sender.frontier;
  }
  if (least) least_ = *least;
}

}  // namespace cppwax::progress
