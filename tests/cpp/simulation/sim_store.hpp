// The recovery store of a simulation: what survives its executions, and copies that are put back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/recovery/resume.hpp"
#include "simulation/random.hpp"
#include "support/memory_partition.hpp"

namespace cppwax::simulation {

// Belongs to one simulation.
class SimStore {
 public:
  explicit SimStore(std::size_t partitions) : partitions_(partitions) {}

  std::vector<test::StoredPartition>& partitions() { return partitions_; }
  const std::vector<test::StoredPartition>& partitions() const { return partitions_; }

  std::vector<recovery::History> histories() const {
    std::vector<recovery::History> all;
    for (const test::StoredPartition& each : partitions_) all.push_back(each.history);
    return all;
  }

  // Calls `use(step, key, state)` for each state as of `cut`.
  template <class Use>
  void each_state(Epoch cut, Use&& use) const {
    for (const test::StoredPartition& each : partitions_) {
      for (const auto& [name, versions] : each.entries) {
        const auto state = test::StoredPartition::newest(versions, cut);
        if (state) use(name.first, name.second, *state);
      }
    }
  }

  void committed(Epoch epoch) { committed_.insert(epoch); }
  // An execution goes on from `cut`; it keeps so many epochs more than the last.
  void begin(Epoch cut, std::uint64_t backup_epochs) {
    committed_.erase(committed_.upper_bound(cut), committed_.end());
    if (copy_) copy_->least_kept = std::min(copy_->least_kept, backup_epochs);
  }

  // Now and then a partition is copied, and later put back; returns the one that was. It must be
  // taken while what the others have kept reaches far enough back. `claimed`: the last epoch that
  // was told to be durable.
  std::optional<std::size_t> use_copy(Random& random, Epoch claimed) {
    const std::size_t ahead = partition_ahead();
    const bool differ = partitions_[ahead].history.durable != claimed;
    if (random.chance(differ ? 70 : 30)) {
      const std::size_t p = random.chance(50) ? ahead : random.below(partitions_.size());
      // A store that was never used says nothing of rows that a run has left.
      if (!partitions_[p].history.executions.empty()) copy_ = Copy{p, partitions_[p]};
      return std::nullopt;
    }
    if (!copy_ || !random.chance(40)) return std::nullopt;
    std::swap(partitions_[copy_->partition], copy_->content);
    try {
      recovery::find_resume(histories());
      return std::exchange(copy_, std::nullopt)->partition;
    } catch (const recovery::InconsistentPartitionsError&) {
      ENGINE_ASSERT(epochs_since_copy() > copy_->least_kept, copy_->least_kept);
      std::swap(partitions_[copy_->partition], copy_->content);
      return std::nullopt;
    }
  }

 private:
  struct Copy {
    std::size_t partition;
    test::StoredPartition content;
    // By the executions since: so many epochs more than the last one can be gone back.
    std::uint64_t least_kept = 1000;
  };

  // Of the greatest durable epoch, which a crash may have left the others behind.
  std::size_t partition_ahead() const {
    const auto ahead = std::max_element(partitions_.begin(), partitions_.end(),
                                        [](const auto& left, const auto& right) {
                                          return left.history.durable < right.history.durable;
                                        });
    return static_cast<std::size_t>(ahead - partitions_.begin());
  }

  // Behind the cut that the copy, put back, leads to.
  std::uint64_t epochs_since_copy() const {
    std::vector<recovery::History> forgetful = histories();
    for (recovery::History& each : forgetful) each.collected = Epoch(0);
    const Epoch cut = recovery::find_resume(forgetful).execution.cut;
    return static_cast<std::uint64_t>(std::distance(committed_.upper_bound(cut), committed_.end()));
  }

  std::vector<test::StoredPartition> partitions_;
  std::set<Epoch> committed_;  // by any partition, in the history that lives
  std::optional<Copy> copy_;
};

}  // namespace cppwax::simulation
