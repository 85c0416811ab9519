// The protocol of every step that has inputs: takes messages, works on the lowest epoch at hand
// while there is credit below, passes frontiers on, ends. What an operator does with a batch is a
// subclass's; when it may do so is decided here and nowhere else.
#pragma once

#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "engine/channel/receiver.hpp"
#include "engine/operators/logic.hpp"
#include "engine/operators/meter.hpp"
#include "engine/operators/outputs.hpp"
#include "engine/operators/step.hpp"
#include "engine/operators/step_host.hpp"
#include "engine/progress/input_frontier.hpp"

namespace cppwax::operators {

// Where a step stands in the flow.
struct Wires {
  StepId id;
  std::vector<channel::Receiver*> inputs;  // in argument order
  Outputs outputs;
  Meter* meter = nullptr;  // of what comes in; null: nobody watches
};

// Belongs to one worker. Invariants (docs/progress_and_snapshots.md): (1) P1: no frontier is passed
// on that a batch in work or waiting has not reached; (2) P2: it ends in the greatest epoch of its
// inputs, `on_eof` work only after a real end of data; (3) P4: it works on an item only while every
// channel below has credit in the item's epoch, lowest epoch first; (4) P6: one activation emits
// one slice; the rest keeps its place; (5) P8: with recovery, a step with a state begins an epoch
// only when all of the one before is in the snapshot.
class InnerStep : public Step {
 public:
  InnerStep(Wires wires, StepHost& host, Epoch first);

  Activity activate() final;
  // Null while it may not work for want of credit, which wakes it when it comes.
  std::optional<WallTime> next_wake() const final;
  bool held() final;
  bool done() const final { return done_; }
  Epoch epoch() const final { return working_in_.value_or(epoch_); }

 protected:
  // Works on a batch; returns what is left to do when the slice is used up, or null.
  virtual std::unique_ptr<Job> start(Epoch epoch, data::PayloadPtr batch, Emitter& out) = 0;
  // Whether a joined payload is worked on part by part.
  virtual bool sees_batches() const { return false; }
  // Whether its work consists of calls of user code, which are timed as a whole for the meter.
  virtual bool calls_user_code() const { return true; }
  // When there is work although nothing arrives, and that work.
  virtual std::optional<WallTime> next_due() const { return std::nullopt; }
  virtual std::unique_ptr<Job> start_due(WallTime) { return nullptr; }
  // What is due by now comes before the next batch.
  void put_due_first() { due_first_ = true; }
  // Work at the real end of data.
  virtual std::unique_ptr<Job> start_eof() { return nullptr; }
  // All work of the epoch is through; before it is stored, and before anybody below hears of it.
  virtual void end_epoch() {}
  // What is to be stored of this step; null: it has no state.
  virtual Storable* storable() { return nullptr; }

 private:
  // A batch, or other work, that waits or is half done. Due work came from no sender.
  struct Task {
    Epoch epoch;
    data::PayloadPtr batch;             // until begun
    std::unique_ptr<Job> job;           // once begun and not through
    channel::Receiver* from = nullptr;  // null for due work
    std::size_t sender = 0;
    channel::Amount amount{};
  };

  void take_arrived();
  void take_message(std::size_t input, channel::Envelope envelope);
  void take_batch(data::Batch batch, channel::Receiver& from, std::size_t sender);
  void work();
  bool work_on(Task& task, SliceEmitter& out);
  bool due_now() const;
  void work_on_due();
  // Null if there is none.
  Task* lowest_task();
  // The one to work on; null also if it is held back.
  Task* next_task();
  bool holds_back() { return outputs_.has_snapshots() && storable() != nullptr; }
  void store_changes();
  Epoch least_epoch();
  void advance();
  void finish(data::End end);
  void run_to_end(std::unique_ptr<Job> job);
  bool more_to_do();

  StepId id_;
  std::vector<channel::Receiver*> inputs_;
  std::vector<std::size_t> first_sender_;  // of each input, within frontier_
  Outputs outputs_;
  Meter* meter_;
  StepHost& host_;
  progress::InputFrontier frontier_;
  Epoch epoch_;
  std::optional<Epoch> working_in_;  // while user work runs
  std::exception_ptr failure_;       // of a part, while those before it go on
  bool due_first_ = false;           // before the next batch comes what is due already
  bool due_again_ = false;           // due work has fired, and a due time is over again
  // By epoch; a queue may be empty. A window's worth of small batches may wait here, so nothing
  // goes through all of them.
  std::map<Epoch, std::deque<Task>> tasks_;
  bool done_ = false;
};

}  // namespace cppwax::operators
