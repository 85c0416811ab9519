// The output ports of one step on one worker, and the emitter that user work is given.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "engine/channel/sender.hpp"
#include "engine/operators/logic.hpp"
#include "engine/operators/meter.hpp"
#include "engine/recovery/entry.hpp"

namespace cppwax::operators {

// How much one activation may emit before it yields (docs/progress_and_snapshots.md P6).
inline constexpr std::int64_t kSliceItems = 64 * 1024;
inline constexpr std::int64_t kSliceBytes = 16 * 1024 * 1024;

// Belongs to one worker. Does not own the senders.
class Outputs {
 public:
  // `ports[p]` are the channels to the consumers of output port p. `signals` are channels that
  // carry frontiers and ends only. `snapshots` is the channel of what the step stores of itself,
  // null without recovery.
  Outputs(std::vector<std::vector<channel::Sender*>> ports, std::vector<channel::Sender*> signals,
          channel::Sender* snapshots = nullptr)
      : ports_(std::move(ports)), signals_(std::move(signals)), snapshots_(snapshots) {}

  // Counts what is sent from now on, and how long it takes to send it to other workers; null:
  // nothing does. The clock outlives this.
  void count_in(Meter* meter, const Clock& clock) {
    meter_ = meter;
    clock_ = &clock;
  }
  Meter* meter() const { return meter_; }

  // Consumers share the items, each has a list of its own. Nothing happens for no items.
  void send(std::size_t port, Epoch epoch, data::PayloadPtr batch);
  // States as of the end of `epoch`. REQUIRES: has_snapshots().
  void store(Epoch epoch, const StepId& step, recovery::Entries entries);
  void advance(Epoch epoch);
  void end(data::End end);

  bool has_snapshots() const { return snapshots_ != nullptr; }
  // Whether, and how much, may be sent in this epoch on all channels (P4).
  bool open(Epoch epoch) const;
  std::int64_t room(Epoch epoch) const;

 private:
  // All that carry items.
  template <class Use>
  void each_sender(Use&& use) const {
    for (const auto& port : ports_) std::for_each(port.begin(), port.end(), use);
    if (snapshots_) use(snapshots_);
  }

  void send_timed(channel::Sender& to, Epoch epoch, data::PayloadPtr batch);

  std::vector<std::vector<channel::Sender*>> ports_;
  std::vector<channel::Sender*> signals_;
  channel::Sender* snapshots_;
  const Clock* clock_ = nullptr;
  Meter* meter_ = nullptr;
};

// One slice of work in one epoch.
class SliceEmitter final : public Emitter {
 public:
  enum class Wait { kForCredit, kForNothing };

  SliceEmitter(Outputs& outputs, Epoch epoch, Wait wait)
      : outputs_(outputs), epoch_(epoch), wait_(wait) {}

  using Emitter::emit;
  void emit(std::size_t port, data::PayloadPtr batch) override;
  std::size_t room() const override;

 private:
  Outputs& outputs_;
  Epoch epoch_;
  Wait wait_;
  std::int64_t items_ = 0;
  std::int64_t bytes_ = 0;
};

}  // namespace cppwax::operators
