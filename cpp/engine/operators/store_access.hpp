// What one worker knows of the recovery store: which worker writes which partition, and its own.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/recovery/partition.hpp"

namespace cppwax::operators {

// Immutable for a run; the partitions outlive it.
struct StoreAccess {
  // All executions over the store, this one last.
  std::vector<recovery::Execution> executions;
  // Whether there is something to load.
  bool is_resume = false;
  // By partition: the worker that is its primary.
  std::vector<WorkerIndex> primaries;
  // Of this worker, by partition; null for those of others.
  std::vector<recovery::Partition*> own;
  // How many epochs more than the resume epoch are kept (P9.3).
  std::uint64_t backup_epochs = 0;

  const recovery::Execution& execution() const { return executions.back(); }

  template <class Use>
  void each_own(Use&& use) const {
    for (recovery::Partition* partition : own) {
      if (partition) use(*partition);
    }
  }
};

}  // namespace cppwax::operators
