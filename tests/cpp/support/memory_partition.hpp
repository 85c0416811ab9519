// A recovery partition in memory: what is committed survives the runs over it, what a run has only
// asked for does not.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/recovery/partition.hpp"

namespace cppwax::test {

// What lies on the disk.
struct StoredPartition {
  recovery::History history;
  // Of each key of each step: what was written, by epoch.
  std::map<std::pair<StepId, std::string>, std::map<Epoch, std::optional<std::string>>> entries;
  // Of a partition that also lies in files: what is in them, by name.
  std::map<std::string, std::string> files{};

  // The newest state of a key as of `cut`, unless it was discarded.
  static std::optional<std::string> newest(
      const std::map<Epoch, std::optional<std::string>>& versions, Epoch cut) {
    auto after = versions.upper_bound(cut);
    return after == versions.begin() ? std::nullopt : std::prev(after)->second;
  }
};

// Used by one thread. `act` does what was asked for, one thing a call; until then nothing happens.
class MemoryPartition : public recovery::Partition {
 public:
  // `notify` is called where the contract says StoreProgress.
  MemoryPartition(StoredPartition& stored, std::size_t most_waiting, std::function<void()> notify)
      : stored_(stored), most_waiting_(most_waiting), notify_(std::move(notify)) {}

  recovery::History history() override { return stored_.history; }

  void begin(const recovery::Execution& execution) override {
    for (auto& [key, versions] : stored_.entries) {
      versions.erase(versions.upper_bound(execution.cut), versions.end());
    }
    recovery::History& history = stored_.history;
    history.durable = std::min(history.durable, execution.cut);
    history.executions.push_back(execution);
    cut_ = execution.cut;
    durable_ = history.durable;
  }

  Read read() override {
    if (reads_ask_twice_ && std::exchange(asked_, !asked_)) {
      waiting_.push_back({Ask::kRead});
      return {Read::Kind::kNotYet};
    }
    for (; at_ < stored_.entries.size(); ++at_) {
      const auto& [name, versions] = *std::next(stored_.entries.begin(), static_cast<long>(at_));
      auto state = StoredPartition::newest(versions, cut_);
      if (!state) continue;
      ++at_;
      return {Read::Kind::kEntries, name.first, {{name.second, std::move(state)}}};
    }
    return {Read::Kind::kEnd};
  }

  bool room() const override { return waiting_.size() < most_waiting_; }
  void write(Epoch epoch, const StepId& step, recovery::Entries entries) override {
    waiting_.push_back({Ask::kWrite, epoch, step, std::move(entries)});
  }
  void commit(Epoch epoch) override { waiting_.push_back({Ask::kCommit, epoch}); }
  Epoch durable() const override { return durable_; }
  void collect(Epoch limit) override { waiting_.push_back({Ask::kCollect, limit}); }

  virtual bool has_work() const { return !waiting_.empty(); }
  // REQUIRES: has_work().
  virtual void act() {
    const Asked asked = std::move(waiting_.front());
    waiting_.pop_front();
    switch (asked.ask) {
      case Ask::kRead:
        break;
      case Ask::kWrite:
        ENGINE_ASSERT(asked.epoch > durable_, asked.epoch, durable_);
        open_.push_back(asked);
        break;
      case Ask::kCommit:
        commit_open(asked.epoch);
        break;
      case Ask::kCollect:
        collect_now(asked.epoch);
        break;
    }
    notify_();
  }
  void note_commits(std::function<void(Epoch)> call) { on_commit_ = std::move(call); }
  void let_reads_wait() { reads_ask_twice_ = true; }
  // How many things were asked for and not done.
  std::size_t waiting() const { return waiting_.size(); }

 protected:
  const StoredPartition& stored() const { return stored_; }

 private:
  enum class Ask { kRead, kWrite, kCommit, kCollect };
  struct Asked {
    Ask ask;
    Epoch epoch{};
    StepId step{};
    recovery::Entries entries{};
  };

  void commit_open(Epoch epoch) {
    for (const Asked& written : open_) {
      ENGINE_ASSERT(written.epoch == epoch, written.epoch, epoch);
      for (const recovery::Entry& entry : written.entries) {
        stored_.entries[{written.step, entry.key}][epoch] = entry.state;
      }
    }
    open_.clear();
    durable_ = stored_.history.durable = epoch;
    stored_.history.written = std::max(stored_.history.written, epoch);
    if (on_commit_) on_commit_(epoch);
  }

  void collect_now(Epoch limit) {
    for (auto key = stored_.entries.begin(); key != stored_.entries.end();) {
      auto& versions = key->second;
      const auto after = versions.upper_bound(limit);
      if (after != versions.begin()) versions.erase(versions.begin(), std::prev(after));
      const bool is_gone =
          versions.size() == 1 && versions.begin()->first <= limit && !versions.begin()->second;
      key = versions.empty() || is_gone ? stored_.entries.erase(key) : std::next(key);
    }
    stored_.history.collected = std::max(stored_.history.collected, limit);
  }

  StoredPartition& stored_;
  std::size_t most_waiting_;
  std::function<void()> notify_;
  std::function<void(Epoch)> on_commit_;
  Epoch cut_{};
  Epoch durable_{};
  std::deque<Asked> waiting_;
  std::vector<Asked> open_;  // the open transaction
  std::size_t at_ = 0;       // what is read next
  bool reads_ask_twice_ = false;
  bool asked_ = true;
};

}  // namespace cppwax::test
