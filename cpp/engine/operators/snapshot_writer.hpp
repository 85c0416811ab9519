// The step that brings what steps store of themselves into the recovery partitions of its worker,
// epoch by epoch. Its frontier is what "durable" means (docs/progress_and_snapshots.md P9, P11).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "engine/channel/receiver.hpp"
#include "engine/operators/outputs.hpp"
#include "engine/operators/step.hpp"
#include "engine/operators/store_access.hpp"
#include "engine/progress/input_frontier.hpp"

namespace cppwax::operators {

// Belongs to one worker. Invariants: (1) P9: an epoch is committed only when the snapshot streams
// of all workers have passed it, on all partitions of this worker; (2) its frontier passes an epoch
// only when that is durable on all of them; (3) P11: credit goes back when an entry joins the open
// transaction, and only entries of that epoch do.
class SnapshotWriterStep final : public Step {
 public:
  // `output` is the channel to the probe.
  SnapshotWriterStep(std::vector<channel::Receiver*> inputs, channel::Sender& output,
                     const StoreAccess& store);

  Activity activate() override;
  bool done() const override { return done_; }
  Epoch epoch() const override { return epoch_; }
  // All epochs before this one are durable on all workers.
  void probe_passed(Epoch epoch);

 private:
  // Entries that wait to join their epoch's transaction.
  struct Waiting {
    channel::Receiver* from;
    std::size_t sender;
    data::Batch batch;
  };

  void take_arrived();
  bool write_waiting();
  bool commit();
  bool is_durable() const;

  std::vector<channel::Receiver*> inputs_;
  channel::Sender& output_;
  const StoreAccess& store_;
  progress::InputFrontier frontier_;
  std::map<Epoch, std::deque<Waiting>> waiting_;
  Epoch epoch_;              // the one whose transaction is open
  bool committing_ = false;  // asked for, not yet durable
  Epoch collected_{};
  bool done_ = false;
};

}  // namespace cppwax::operators
