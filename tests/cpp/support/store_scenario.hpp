// Runs over one SQLite partition with random changes, and what the partition must hold after each.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "engine/base/error.hpp"
#include "support/partition_stand.hpp"

namespace cppwax::test {

// Used by one thread. What it does depends on the seed alone.
class StoreScenario {
 public:
  explicit StoreScenario(std::uint64_t seed) : random_(seed) {}

  // Otherwise another partition is behind now and then, so that epochs are cut off.
  void set_alone(bool is_alone) { is_alone_ = is_alone; }

  // Opens what is on the disk and begins a run, which must find what it should.
  // Errors: InvariantError if it does not; else the partition's.
  void resume(SteppedStand& stand) {
    stand.open();
    const recovery::History history = stand.partition().history();
    ENGINE_ASSERT(history.durable >= told_, history.durable, told_);
    ENGINE_ASSERT(history.durable <= asked_, history.durable, asked_);
    ENGINE_ASSERT(history.collected <= greatest_limit_, history.collected, greatest_limit_);
    recovery::History other = history;
    if (!is_alone_ && below(3) == 0) other.durable = between(history.collected, history.durable);
    go_on_from(stand, recovery::find_resume({history, other}).execution);
  }

  // The same, if it is allowed to have lost epochs.
  void resume_anywhere(SteppedStand& stand) {
    told_ = Epoch(0);
    resume(stand);
  }

  void run_epochs(SteppedStand& stand, std::size_t count) {
    recovery::SqlitePartition& partition = stand.partition();
    for (std::size_t i = 0; i < count; ++i) {
      const Epoch epoch = next_;
      next_ = next_.next();
      write_some(stand, epoch);
      asked_ = epoch;
      partition.commit(epoch);
      stand.wait_until([&] { return partition.durable() >= epoch; });
      told_ = epoch;
      collect_some(partition);
      for (auto acts = below(4); acts > 0 && partition.has_work(); --acts) partition.act();
    }
  }

  void close(SteppedStand& stand) { stand.close(); }

  States as_of(Epoch epoch) const {
    States states;
    for (const auto& [name, versions] : versions_) {
      if (auto state = StoredPartition::newest(versions, epoch)) states[name] = *state;
    }
    return states;
  }
  // The last epoch that was told to be durable.
  Epoch told() const { return told_; }

 private:
  std::size_t below(std::size_t end) { return random_() % end; }
  Epoch between(Epoch least, Epoch most) {
    return Epoch(least.value() + below(most.value() - least.value() + 1));
  }

  void go_on_from(SteppedStand& stand, const recovery::Execution& execution) {
    told_ = std::min(told_, execution.cut);
    stand.partition().begin(execution);
    for (auto& [name, versions] : versions_) {
      versions.erase(versions.upper_bound(execution.cut), versions.end());
    }
    ENGINE_ASSERT(load_all(stand, stand.partition()) == as_of(execution.cut), execution.cut);
    told_ = asked_ = execution.cut;
    collectable_ = std::min(collectable_, execution.cut);
    next_ = execution.first;
  }

  // Neighbours, so that a stale state of one is not hidden by chance, and keys that come and go.
  void write_some(SteppedStand& stand, Epoch epoch) {
    for (const StepId step : {"f.a", "f.b"}) {
      if (below(4) == 0) continue;
      const std::size_t first = below(kKeys);
      recovery::Entries entries;
      for (std::size_t key = first; key < std::min(first + below(30), kKeys); ++key) {
        std::optional<std::string> state;
        if (below(5) > 0) state = std::to_string(epoch.value()) + std::string(below(40), '.');
        versions_[{step, "key" + std::to_string(key)}][epoch] = state;
        entries.push_back({"key" + std::to_string(key), std::move(state)});
      }
      recovery::SqlitePartition& partition = stand.partition();
      stand.wait_until([&] { return partition.room(); });
      partition.write(epoch, step, std::move(entries));
    }
  }

  void collect_some(recovery::SqlitePartition& partition) {
    if (below(3) == 0 || told_ <= collectable_) return;
    collectable_ = between(collectable_, Epoch(told_.value() - 1));
    greatest_limit_ = std::max(greatest_limit_, collectable_);
    partition.collect(collectable_);
  }

  static constexpr std::size_t kKeys = 60;

  std::mt19937_64 random_;
  bool is_alone_ = false;
  std::map<std::pair<StepId, std::string>, std::map<Epoch, std::optional<std::string>>> versions_;
  Epoch next_ = kFirstEpoch;
  Epoch told_{};
  Epoch asked_{};
  Epoch collectable_{};
  Epoch greatest_limit_{};
};

}  // namespace cppwax::test
