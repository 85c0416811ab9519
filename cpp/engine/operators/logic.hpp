// What the engine asks of user logic. The bindings implement it over Python callables and natively,
// the tests over integers. The engine calls it with whole batches only.
//
// Every object here belongs to one worker and is used inside that worker's UserCodeScope. Failures
// of user code come out as UserCodeError; the worker adds step, worker and epoch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/base/ids.hpp"
#include "engine/channel/router.hpp"
#include "engine/data/codec.hpp"
#include "engine/data/payload.hpp"
#include "engine/progress/partition_assignment.hpp"
#include "engine/recovery/entry.hpp"

namespace cppwax::operators {

// What user code needs around it (an interpreter's lock). Entered on the worker's own thread before
// it runs steps, left before it sleeps. May be let go for a moment inside any call of user logic:
// other workers run meanwhile, this worker's objects are not touched.
class UserCodeScope {
 public:
  virtual ~UserCodeScope() = default;
  // Errors: whatever a pending signal handler of the user raises; it is not entered then.
  virtual void enter() = 0;
  virtual void leave() = 0;
  // The work is over, and what comes until `leave` closes its steps: what was to end a call of user
  // code, and came too late for that, is taken back. To be called inside.
  // Errors: whatever a pending signal handler of the user raises; it has begun all the same.
  virtual void begin_close() {}
};

// Takes what a piece of user work emits, for the epoch it works in.
class Emitter {
 public:
  virtual ~Emitter() = default;
  virtual void emit(std::size_t port, data::PayloadPtr batch) = 0;
  void emit(data::PayloadPtr batch) { emit(0, std::move(batch)); }

  // How many more items may be emitted now: 0 when the slice is used up or credit is missing below
  // (docs/progress_and_snapshots.md P4, P6). Work that can keep its place returns kMore then. What
  // the caller gathered before asking again may go beyond it by one call's result.
  virtual std::size_t room() const = 0;
};

enum class Work { kDone, kMore };

// A piece of work in progress that keeps its place between slices.
class Job {
 public:
  virtual ~Job() = default;
  // Goes on. After kDone it is not called again. kMore although there is room: what was emitted is
  // to reach the sinks, as far as it can, before the work goes on.
  virtual Work run(Emitter& out) = 0;
};

// REQUIRES of all: batches are never empty.
class FlatMapBatchLogic {
 public:
  virtual ~FlatMapBatchLogic() = default;
  // Whether user code sees what is one batch: then it is given the source's, not joined ones.
  virtual bool sees_batches() const { return true; }
  virtual std::unique_ptr<Job> start(data::PayloadPtr batch) = 0;
};

struct Branches {
  data::PayloadPtr trues;  // may be null or empty, as `falses`
  data::PayloadPtr falses;
};

class BranchLogic {
 public:
  virtual ~BranchLogic() = default;
  virtual Branches split(data::PayloadPtr batch) = 0;
};

class InspectLogic {
 public:
  virtual ~InspectLogic() = default;
  virtual void inspect(const data::Payload& batch, Epoch epoch) = 0;
};

// What is stored of a step at the end of an epoch, and comes back at a resume. Used only where
// `Seat::recovery` says so.
class Storable {
 public:
  virtual ~Storable() = default;
  // At most `at_most` of the states that changed since they were taken last; empty: no more.
  virtual recovery::Entries take_changes(std::size_t at_most) = 0;
  // What was stored, before anything else; in several calls, each key once.
  virtual void restore(recovery::Entries entries) = 0;
};

// All keys of one keyed step on one worker: owns their states, due times and logics
// (`stateful_batch`). Input items are (key, value) pairs, output items too.
class KeyedBody : public Storable {
 public:
  // All is restored. Whether keys that have come together are due by that: `next_due()` is in the
  // past then, and `on_due` must come before the first batch.
  virtual bool resume() { return false; }
  virtual bool sees_batches() const { return true; }
  virtual std::unique_ptr<Job> on_batch(data::PayloadPtr batch) = 0;
  // For the keys whose due time is <= now. `next_due()` must be past `now` when the job is done,
  // unless user code asked for a time that is over already.
  virtual std::unique_ptr<Job> on_due(WallTime now) = 0;
  // Null: nothing is to be done.
  virtual std::unique_ptr<Job> on_eof() = 0;
  // The least due time of all keys.
  virtual std::optional<WallTime> next_due() const = 0;
  // Where keys have watermarks: how far that of the last batch's key that is furthest behind was
  // behind the present then. nullopt: there was no batch, or nothing is known.
  virtual std::optional<Duration> watermark_lag() const { return std::nullopt; }
};

// What one poll of a source partition gave.
struct Polled {
  enum class Kind { kItems, kEof, kAbort };
  Kind kind = Kind::kItems;
  data::PayloadPtr items;  // for kItems; may be null or empty
};

class SourcePart {
 public:
  virtual ~SourcePart() = default;
  virtual Polled next_batch() = 0;
  // Not to be polled before; nullopt: at once after items, after a little while when there was
  // none.
  virtual std::optional<WallTime> next_awake() = 0;
  // Its position: all that `next_batch` has given lies before it. REQUIRES: of a partitioned
  // source.
  virtual std::string snapshot() = 0;
  virtual void close() = 0;
};

// A sink step of one worker, dynamic or with all partitions this worker owns.
class SinkLogic {
 public:
  virtual ~SinkLogic() = default;
  virtual bool sees_batches() const { return true; }
  virtual void write(data::PayloadPtr batch) = 0;
  // Called before an epoch of this step counts as over, and once more at its end of either kind
  // (P2): when it returns, all that was written is where it is to be.
  virtual void end_epoch() {}
  // All of epochs up to this one is durable everywhere (P9 2b). Epochs grow from call to call; at a
  // resume the first is the one that it goes on from. Only with recovery.
  virtual void committed(Epoch) {}
  virtual void close() = 0;
};

// Stores the positions of the partitions.
class PartitionedSinkLogic : public SinkLogic, public Storable {
 public:
  // Whatever is written until the next call is of this epoch.
  virtual void in_epoch(Epoch) {}
  // Builds the partitions that were not restored, as ones that nothing was stored of (P16).
  virtual void build_others() = 0;
};

// Which worker asks.
struct Seat {
  WorkerIndex worker;
  std::uint32_t worker_count = 1;
  // Whether states are stored.
  bool recovery = false;
};

// Makes the logic of the plan's steps. One for a run; called by every worker, each inside its own
// scope, so an implementation keeps no mutable state of its own.
// Errors of all: UserCodeError.
class LogicFactory {
 public:
  virtual ~LogicFactory() = default;

  virtual std::unique_ptr<UserCodeScope> scope() const = 0;
  // For items that leave the process; lives as long as the factory.
  virtual const data::PayloadCodec& codec() const = 0;

  virtual std::unique_ptr<FlatMapBatchLogic> flat_map_batch(StepIndex step, Seat seat) const = 0;
  virtual std::unique_ptr<BranchLogic> branch(StepIndex step, Seat seat) const = 0;
  virtual std::unique_ptr<InspectLogic> inspect_debug(StepIndex step, Seat seat) const = 0;
  virtual std::unique_ptr<KeyedBody> keyed_body(StepIndex step, Seat seat) const = 0;

  // Of a partitioned source: whether a partition of which nothing is stored begins where what it
  // reads is at that moment, so that a run that asks later begins elsewhere (P7).
  virtual bool starts_now(StepIndex step) const = 0;
  // The partitions that this worker can reach, for partitioned sources and sinks; any order.
  virtual std::vector<std::string> list_parts(StepIndex step, Seat seat) const = 0;
  // Of a partitioned source of which no worker has listed a partition: fails if its input cannot
  // have been meant to be empty. Called on every worker.
  virtual void found_no_parts(StepIndex step, Seat seat) const = 0;
  // `stored`: its position, or nullopt.
  virtual std::unique_ptr<SourcePart> source_part(
      StepIndex step, Seat seat, const std::string& name,
      const std::optional<std::string>& stored) const = 0;
  virtual std::unique_ptr<SourcePart> dynamic_source(StepIndex step, Seat seat) const = 0;
  virtual std::unique_ptr<SinkLogic> dynamic_sink(StepIndex step, Seat seat) const = 0;
  virtual std::unique_ptr<PartitionedSinkLogic> partitioned_sink(
      StepIndex step, Seat seat, const progress::Assignment& parts) const = 0;

  // How the items that go to a keyed step or a partitioned sink find their worker.
  virtual std::unique_ptr<channel::Router> key_router(StepIndex step, Seat seat) const = 0;
  virtual std::unique_ptr<channel::Router> partition_router(
      StepIndex step, Seat seat, const progress::Assignment& parts) const = 0;
};

}  // namespace cppwax::operators
