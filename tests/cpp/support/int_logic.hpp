// The engine's logic for the flows of int_flow.hpp: every piece of user code checks that it runs
// inside its worker's scope, and tells an observer what it saw.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/operators/logic.hpp"
#include "support/int_flow.hpp"
#include "support/memory_files.hpp"

namespace cppwax::test {

// Fails if it is not entered and left in turn.
class CheckedScope final : public operators::UserCodeScope {
 public:
  void enter() override;
  void leave() override;
  void begin_close() override;
};

// Errors: InvariantError if the thread is in no scope.
void require_scope();

// Inside a scope for the time of a test.
class InScope {
 public:
  InScope() { scope_.enter(); }
  ~InScope() { scope_.leave(); }
  InScope(const InScope&) = delete;
  InScope& operator=(const InScope&) = delete;

 private:
  CheckedScope scope_;
};

// Hears of all user code of a run, from all its workers' threads.
class Observer {
 public:
  virtual ~Observer() = default;
  // Each piece of user code, by name, before it runs.
  virtual void called(StepIndex, Seat, const std::string&) {}
  virtual void polled(StepIndex, Seat, const Ints&) {}
  // A part of a source that starts now was built, without a position.
  virtual void began(StepIndex, Seat) {}
  // What a flat_map_batch was called with.
  virtual void mapped(StepIndex, Seat, const Ints&) {}
  virtual void inspected(StepIndex, Seat, Epoch, const Ints&) {}
  virtual void written(StepIndex, Seat, const Ints&) {}
  virtual void committed(StepIndex, Seat, Epoch) {}
  // What a keyed step held when it went.
  virtual void left_over(StepIndex, Seat, const Ints&) {}
};

// The flow, the clock, the observer and the files (null: sinks write none) outlive it and all that
// it makes.
class IntLogic final : public operators::LogicFactory {
 public:
  IntLogic(const BuiltFlow& flow, const Clock& clock, Observer& observer,
           MemoryFiles* files = nullptr)
      : flow_(flow), clock_(clock), observer_(observer), files_(files) {}

  std::unique_ptr<operators::UserCodeScope> scope() const override;
  const data::PayloadCodec& codec() const override { return codec_; }
  std::unique_ptr<operators::FlatMapBatchLogic> flat_map_batch(StepIndex step,
                                                               Seat seat) const override;
  std::unique_ptr<operators::BranchLogic> branch(StepIndex step, Seat seat) const override;
  std::unique_ptr<operators::InspectLogic> inspect_debug(StepIndex step, Seat seat) const override;
  std::unique_ptr<operators::KeyedBody> keyed_body(StepIndex step, Seat seat) const override;
  bool starts_now(StepIndex step) const override { return flow_.specs.at(step.value()).starts_now; }
  std::vector<std::string> list_parts(StepIndex step, Seat seat) const override;
  void found_no_parts(StepIndex step, Seat seat) const override;
  std::unique_ptr<operators::SourcePart> source_part(
      StepIndex step, Seat seat, const std::string& name,
      const std::optional<std::string>& stored) const override;
  std::unique_ptr<operators::SourcePart> dynamic_source(StepIndex step, Seat seat) const override;
  std::unique_ptr<operators::SinkLogic> dynamic_sink(StepIndex step, Seat seat) const override;
  std::unique_ptr<operators::PartitionedSinkLogic> partitioned_sink(
      StepIndex step, Seat seat, const progress::Assignment& parts) const override;
  std::unique_ptr<channel::Router> key_router(StepIndex step, Seat seat) const override;
  std::unique_ptr<channel::Router> partition_router(
      StepIndex step, Seat seat, const progress::Assignment& parts) const override;

  // One step on one worker, as its user code sees it.
  struct Place {
    const StepSpec& spec;
    StepIndex step;
    Seat seat;
    const Clock& clock;
    Observer& observer;
    MemoryFiles* files;

    // Before each piece of user code.
    void enter(const std::string& call) const;
    std::int64_t key(std::int64_t item) const;
  };

 private:
  Place place(StepIndex step, Seat seat, const std::string& call = "build") const;

  const BuiltFlow& flow_;
  const Clock& clock_;
  Observer& observer_;
  MemoryFiles* files_;
  IntCodec codec_;
};

}  // namespace cppwax::test
