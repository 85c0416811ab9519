// The steps of a resume: one reads the recovery partitions of its worker and sends the entries to
// their new owners, the other hands what comes to the steps they are of
// (docs/progress_and_snapshots.md P16).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/channel/receiver.hpp"
#include "engine/channel/router.hpp"
#include "engine/channel/sender.hpp"
#include "engine/operators/step.hpp"
#include "engine/operators/store_access.hpp"

namespace cppwax::operators {

// Sends each entry to the worker that `owner` names, in batches of one step.
class EntryRouter final : public channel::Router {
 public:
  using Owner = std::function<WorkerIndex(const StepId& step, const recovery::Entry& entry)>;

  explicit EntryRouter(Owner owner) : owner_(std::move(owner)) {}
  void split(data::PayloadPtr batch, std::vector<data::PayloadPtr>& parts) override;

 private:
  Owner owner_;
};

// Belongs to one worker.
class SnapshotLoaderStep final : public Step {
 public:
  SnapshotLoaderStep(channel::Sender& output, const StoreAccess& store);

  // One batch.
  Activity activate() override;
  bool done() const override { return left_.empty(); }
  Epoch epoch() const override { return epoch_; }

 private:
  channel::Sender& output_;
  Epoch epoch_;
  std::vector<recovery::Partition*> left_;  // the last one is being read
};

// Belongs to one worker. Done when the loaders of all workers are.
class RestoreStep final : public Step {
 public:
  using Restore = std::function<void(const StepId& step, recovery::Entries entries)>;

  RestoreStep(channel::Receiver& input, Restore restore, Epoch first)
      : input_(input), restore_(std::move(restore)), epoch_(first) {}

  Activity activate() override;
  bool done() const override { return ended_ == input_.sender_count(); }
  Epoch epoch() const override { return epoch_; }

 private:
  channel::Receiver& input_;
  Restore restore_;
  Epoch epoch_;
  std::size_t ended_ = 0;
};

}  // namespace cppwax::operators
