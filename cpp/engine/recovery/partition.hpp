// The seam between the engine and where snapshots are kept: one recovery partition, as its primary
// sees it (docs/progress_and_snapshots.md P9-P16).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/recovery/entry.hpp"

namespace cppwax::recovery {

// One run over the store (P15). Its row is a promise: epochs from `first` on are this execution's,
// and of epochs between `cut` and `first` nothing counts.
struct Execution {
  std::uint64_t number = 1;
  Epoch cut{};
  Epoch first = kFirstEpoch;

  bool operator==(const Execution&) const = default;
};

// What a partition says of itself before a run. Epoch 0: none.
struct History {
  std::vector<Execution> executions;
  Epoch durable{};    // all that is in it up to here is there
  Epoch collected{};  // states as of earlier epochs are gone
  Epoch written{};    // the greatest epoch of an entry or a durable row
};

// What asks for, and hears of, work on one partition. Belongs to one worker, but for what an
// implementation does on threads of its own; whenever `room`, `durable` or `read` may answer
// otherwise than before, it posts a StoreProgress to that worker.
// Errors of all: RecoveryError.
class Partition {
 public:
  virtual ~Partition() = default;

  virtual History history() = 0;
  // Removes all of epochs > execution.cut and stores the execution, in one transaction (P15).
  virtual void begin(const Execution& execution) = 0;

  // Loading: entries of one step, the newest of each key, none that was discarded.
  struct Read {
    enum class Kind { kEntries, kNotYet, kEnd };
    Kind kind = Kind::kEnd;
    StepId step{};
    Entries entries{};
  };
  virtual Read read() = 0;

  // Whether `write` may be called: what waits to join the open transaction is bounded (P11).
  virtual bool room() const = 0;
  virtual void write(Epoch epoch, const StepId& step, Entries entries) = 0;
  // Commits what was written of `epoch`, with the row `durable = epoch`. REQUIRES: the epoch before
  // is durable or no other was asked for.
  virtual void commit(Epoch epoch) = 0;
  // The last epoch whose transaction is synced.
  virtual Epoch durable() const = 0;
  // Lets a later transaction remove what a newer entry <= limit replaces (P9.3).
  virtual void collect(Epoch limit) = 0;
};

}  // namespace cppwax::recovery
