// From what all recovery partitions say to the epoch a run goes on from. Pure: every process
// computes the same from the same (docs/progress_and_snapshots.md P14, P15).
#pragma once

#include <string>
#include <vector>

#include "engine/recovery/partition.hpp"
#include "engine/recovery/store_error.hpp"

namespace cppwax::recovery {

// Some partition was restored from a copy that is older than the others can go back.
class InconsistentPartitionsError : public StoreError {
 public:
  explicit InconsistentPartitionsError(const std::string& message)
      : StoreError(StoreFault::kInconsistent, message) {}
};

struct Resume {
  // Whether there was no run over this store before: nothing can have been written anywhere.
  bool is_first = true;
  Execution execution;
  // Those before it, oldest first.
  std::vector<Execution> earlier;
  // Partitions that were behind the others by more than a crash explains.
  std::vector<RecoveryPartitionIndex> behind;
};

// The epoch `count` epochs before `from`, of those that were: between two executions numbers are
// left out (P15). 0: there are not so many. `executions`: oldest first, `from` is of the last one.
Epoch epochs_before(Epoch from, std::uint64_t count, const std::vector<Execution>& executions);

// `histories[p]` is what partition p says. REQUIRES: at least one.
// Errors: InconsistentPartitionsError, naming the partitions.
Resume find_resume(const std::vector<History>& histories);

}  // namespace cppwax::recovery
