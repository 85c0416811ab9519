#include "engine/operators/snapshot_writer.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/recovery/resume.hpp"

namespace cppwax::operators {

namespace {

// By recovery partition.
std::vector<recovery::Entries> split(recovery::StepEntries& batch, std::size_t partition_count) {
  std::vector<recovery::Entries> parts(partition_count);
  if (partition_count == 1) {
    parts[0] = batch.take();
    return parts;
  }
  for (recovery::Entry& entry : batch.take()) {
    const auto part = recovery::partition_of(batch.step(), entry.key, partition_count);
    parts[part.value()].push_back(std::move(entry));
  }
  return parts;
}

}  // namespace

SnapshotWriterStep::SnapshotWriterStep(std::vector<channel::Receiver*> inputs,
                                       channel::Sender& output, const StoreAccess& store)
    : inputs_(std::move(inputs)),
      output_(output),
      store_(store),
      frontier_(channel::count_senders(inputs_), store.execution().first),
      epoch_(store.execution().first) {}

Activity SnapshotWriterStep::activate() {
  take_arrived();
  while (write_waiting() && commit()) {
  }
  for (auto* input : inputs_) input->pay();
  return Activity::kWaits;
}

void SnapshotWriterStep::take_arrived() {
  std::size_t first_sender = 0;
  for (auto* input : inputs_) {
    while (auto envelope = input->take()) {
      const std::size_t sender = first_sender + envelope->sender;
      if (auto* batch = std::get_if<data::Batch>(&envelope->message)) {
        ENGINE_ASSERT(frontier_.allows(sender, batch->epoch), batch->epoch, epoch_);
        const Epoch epoch = batch->epoch;
        waiting_[epoch].push_back({input, envelope->sender, std::move(*batch)});
      } else if (const auto* end = std::get_if<data::End>(&envelope->message)) {
        frontier_.end(sender, *end);
      } else {
        frontier_.advance(sender, std::get<data::FrontierAdvance>(envelope->message).epoch);
      }
    }
    first_sender += input->sender_count();
  }
}

// Returns whether all that has come of the open epoch has joined its transaction.
bool SnapshotWriterStep::write_waiting() {
  if (committing_) return true;
  auto& waiting = waiting_[epoch_];
  for (; !waiting.empty(); waiting.pop_front()) {
    bool room = true;
    store_.each_own([&](const recovery::Partition& each) { room = room && each.room(); });
    if (!room) return false;
    Waiting& next = waiting.front();
    recovery::StepEntries& batch = recovery::entries_in(*next.batch.payload);
    std::vector<recovery::Entries> parts = split(batch, store_.own.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].empty()) continue;
      ENGINE_ASSERT(store_.own[i] != nullptr, i);
      store_.own[i]->write(epoch_, batch.step(), std::move(parts[i]));
    }
    next.from->owe(next.sender, next.batch.epoch, next.batch.amount);
  }
  waiting_.erase(epoch_);
  return true;
}

// Returns whether another epoch may be begun.
bool SnapshotWriterStep::commit() {
  if (done_) return false;
  const auto least = frontier_.least();
  const auto end = frontier_.ended();
  if (!committing_) {
    if (least ? *least <= epoch_ : epoch_ > end->epoch) return false;
    store_.each_own([&](recovery::Partition& each) { each.commit(epoch_); });
    committing_ = true;
  }
  if (!is_durable()) return false;
  committing_ = false;
  if (end && epoch_ == end->epoch) {
    output_.end(*end);
    done_ = true;
    return false;
  }
  epoch_ = epoch_.next();
  output_.advance(epoch_);
  return true;
}

bool SnapshotWriterStep::is_durable() const {
  bool all = true;
  store_.each_own([&](const recovery::Partition& each) { all = all && each.durable() >= epoch_; });
  return all;
}

// The limit is an epoch that this store could resume from: counted in epochs that were, not in
// numbers, which jump at each resume (P9.3).
void SnapshotWriterStep::probe_passed(Epoch epoch) {
  if (epoch == store_.execution().first) return;
  const Epoch limit =
      recovery::epochs_before(Epoch(epoch.value() - 1), store_.backup_epochs, store_.executions);
  if (limit <= collected_) return;
  collected_ = limit;
  store_.each_own([&](recovery::Partition& each) { each.collect(limit); });
}

}  // namespace cppwax::operators
