#include "engine/operators/outputs.hpp"

namespace cppwax::operators {

void Outputs::send(std::size_t port, Epoch epoch, data::PayloadPtr batch) {
  if (!batch || batch->size() == 0) return;
  if (meter_) meter_->emitted(batch->size());
  const auto& consumers = ports_.at(port);
  if (consumers.empty()) return;
  for (std::size_t i = 0; i + 1 < consumers.size(); ++i) {
    send_timed(*consumers[i], epoch, batch->share());
  }
  send_timed(*consumers.back(), epoch, std::move(batch));
}

// To the own worker it takes no time to speak of.
void Outputs::send_timed(channel::Sender& to, Epoch epoch, data::PayloadPtr batch) {
  if (!meter_ || !to.has_choice()) return to.send(epoch, std::move(batch));
  const SteadyTime began = clock_->steady();
  to.send(epoch, std::move(batch));
  meter_->sent(clock_->steady() - began);
}

void Outputs::store(Epoch epoch, const StepId& step, recovery::Entries entries) {
  if (entries.empty()) return;
  snapshots_->send(epoch, std::make_unique<recovery::StepEntries>(step, std::move(entries)));
}

void Outputs::advance(Epoch epoch) {
  const auto tell = [&](channel::Sender* sender) { sender->advance(epoch); };
  each_sender(tell);
  std::for_each(signals_.begin(), signals_.end(), tell);
}

void Outputs::end(data::End end) {
  const auto tell = [&](channel::Sender* sender) { sender->end(end); };
  each_sender(tell);
  std::for_each(signals_.begin(), signals_.end(), tell);
}

bool Outputs::open(Epoch epoch) const {
  bool all_open = true;
  each_sender([&](const channel::Sender* sender) { all_open = all_open && sender->open(epoch); });
  return all_open;
}

std::int64_t Outputs::room(Epoch epoch) const {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  each_sender([&](const channel::Sender* sender) { least = std::min(least, sender->room(epoch)); });
  return least;
}

void SliceEmitter::emit(std::size_t port, data::PayloadPtr batch) {
  if (!batch || batch->size() == 0) return;
  items_ += static_cast<std::int64_t>(batch->size());
  bytes_ += static_cast<std::int64_t>(batch->bytes_estimate());
  outputs_.send(port, epoch_, std::move(batch));
}

std::size_t SliceEmitter::room() const {
  if (wait_ == Wait::kForNothing) return static_cast<std::size_t>(kSliceItems);
  if (items_ >= kSliceItems || bytes_ >= kSliceBytes) return 0;
  return static_cast<std::size_t>(std::min(kSliceItems - items_, outputs_.room(epoch_)));
}

}  // namespace cppwax::operators
