#include "engine/operators/snapshot_loader.hpp"

#include <utility>

#include "engine/data/message.hpp"

namespace cppwax::operators {

void EntryRouter::split(data::PayloadPtr batch, std::vector<data::PayloadPtr>& parts) {
  recovery::StepEntries& of_step = recovery::entries_in(*batch);
  std::vector<recovery::Entries> lists(parts.size());
  for (recovery::Entry& entry : of_step.take()) {
    const WorkerIndex to = owner_(of_step.step(), entry);
    lists[to.value()].push_back(std::move(entry));
  }
  for (std::size_t i = 0; i < lists.size(); ++i) {
    if (lists[i].empty()) continue;
    parts[i] = std::make_unique<recovery::StepEntries>(of_step.step(), std::move(lists[i]));
  }
}

SnapshotLoaderStep::SnapshotLoaderStep(channel::Sender& output, const StoreAccess& store)
    : output_(output), epoch_(store.execution().first) {
  store.each_own([&](recovery::Partition& partition) { left_.push_back(&partition); });
  if (left_.empty()) output_.end({data::EndKind::kEof, epoch_});
}

Activity SnapshotLoaderStep::activate() {
  if (done() || !output_.open(epoch_)) return Activity::kWaits;
  recovery::Partition::Read read = left_.back()->read();
  switch (read.kind) {
    case recovery::Partition::Read::Kind::kNotYet:
      return Activity::kWaits;
    case recovery::Partition::Read::Kind::kEntries:
      output_.send(epoch_, std::make_unique<recovery::StepEntries>(std::move(read.step),
                                                                   std::move(read.entries)));
      return Activity::kAgain;
    case recovery::Partition::Read::Kind::kEnd:
      left_.pop_back();
      if (left_.empty()) output_.end({data::EndKind::kEof, epoch_});
      return Activity::kAgain;
  }
  return Activity::kWaits;
}

Activity RestoreStep::activate() {
  while (auto envelope = input_.take()) {
    if (auto* batch = std::get_if<data::Batch>(&envelope->message)) {
      recovery::StepEntries& of_step = recovery::entries_in(*batch->payload);
      restore_(of_step.step(), of_step.take());
      input_.owe(envelope->sender, batch->epoch, batch->amount);
    } else if (std::holds_alternative<data::End>(envelope->message)) {
      ++ended_;
    }
  }
  input_.pay();
  return Activity::kWaits;
}

}  // namespace cppwax::operators
