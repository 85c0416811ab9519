// The step that brings items in: polls its source partitions, stamps epochs, pauses without credit.
// Partitioned and dynamic sources differ only in where their parts come from.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/operators/logic.hpp"
#include "engine/operators/outputs.hpp"
#include "engine/operators/step.hpp"
#include "engine/operators/step_host.hpp"

namespace cppwax::operators {

// Belongs to one worker. Invariants (docs/progress_and_snapshots.md): (1) P4: it polls only while
// all channels below have credit; (2) P5: pausing and sleeping suspend polls only, epochs close on
// time; (3) P7: with an epoch for each round of polls it polls once in an epoch, and only when all
// before it is through; (4) P7: a position stored of an epoch covers exactly the items sent in it
// and before; (5) P7: with recovery, the position of a part that starts now is stored of the first
// epoch, which is reported as worked in, polled or not.
class SourceStep final : public Step {
 public:
  // A source partition; the part of a dynamic source has no name, and no position to store.
  struct Named {
    std::string name;
    std::unique_ptr<SourcePart> source;
    // It begins where what it reads is at this moment (LogicFactory::starts_now).
    bool starts_now = false;
  };

  SourceStep(StepId id, std::vector<Named> parts, Outputs outputs, StepHost& host, Epoch first);

  void open() override;
  Activity activate() override;
  std::optional<WallTime> next_wake() const override;
  bool held() override { return !done_ && open_parts_ > 0 && !outputs_.open(epoch_); }
  bool done() const override { return done_; }
  Epoch epoch() const override { return epoch_; }
  void close() override;

 private:
  struct Part {
    std::string name;
    std::unique_ptr<SourcePart> source;
    WallTime awake;               // not to be polled before; long past: at once
    Duration pause{0};            // after the last empty poll
    std::size_t quick_polls = 0;  // in a row, up to now
    bool ended = false;
    bool changed = false;         // since its position was stored: polled, or just begun
    std::string last_position{};  // of one that has ended and is closed
  };

  void open_epochs();
  bool may_poll() const;
  bool poll_due_parts();
  bool poll(Part& part);
  Polled poll_timed(Part& part);
  Polled poll_once(Part& part);
  Polled poll_joining(Part& part);
  bool may_go_on(const Part& part, const Polled& held) const;
  SteadyTime note_poll(Part& part, SteadyTime began) const;
  void schedule(Part& part, bool empty);
  void store_positions();
  void close_part(Part& part);
  void end(data::EndKind kind);

  StepId id_;
  std::vector<Part> parts_;
  Outputs outputs_;
  StepHost& host_;
  Epoch epoch_;
  std::optional<Epoch> polled_in_;
  std::size_t next_part_ = 0;  // where a round that ran out of credit goes on
  std::size_t open_parts_;
  std::exception_ptr failure_;  // comes out when the items polled before it are through
  bool done_ = false;
};

}  // namespace cppwax::operators
