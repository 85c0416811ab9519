// A recovery partition in memory and, in step with it, one in SQLite, on a disk of its own: the
// answers are SQLite's, and each is compared with what memory says.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/recovery/sqlite_partition.hpp"
#include "support/memory_disk.hpp"
#include "support/memory_partition.hpp"
#include "support/partition_stand.hpp"

namespace cppwax::simulation {

// Used by one thread. Invariant: outside of calls both have the same things still to do, and what
// is committed is the same.
class TwinPartition final : public test::MemoryPartition {
 public:
  TwinPartition(test::StoredPartition& stored, std::size_t most_waiting,
                std::function<void()> notify, std::uint64_t seed)
      : MemoryPartition(stored, most_waiting, notify), files_(stored.files), random_(seed) {
    const recovery::PartitionFile file = test::make_partition(disk_, "part-0.sqlite3");
    if (!files_.empty()) disk_.set_contents(files_);
    sqlite_.emplace(recovery::PartitionSettings{
        .file = file, .has_thread = false, .limits = test::small_limits()});
    sqlite_->on_progress(std::move(notify));
    check_history();
  }

  // Whether the run ended well or by a crash, only what is committed may be left: so the end is any
  // of a clean one, a kill, and a loss of power.
  ~TwinPartition() override {
    const auto end = random_() % 3;
    if (end == 0) sqlite_->close();
    sqlite_.reset();
    if (end == 1) disk_.restart([&] { return random_() % 2 == 0; });
    files_ = disk_.contents();
  }

  void begin(const recovery::Execution& execution) override {
    MemoryPartition::begin(execution);
    sqlite_->begin(execution);
    cut_ = execution.cut;
  }

  Read read() override {
    Read read = sqlite_->read();
    if (read.kind == Read::Kind::kEntries) {
      for (const recovery::Entry& entry : read.entries) {
        const bool is_new = read_.emplace(std::pair(read.step, entry.key), *entry.state).second;
        ENGINE_ASSERT(is_new, read.step, entry.key);
      }
    } else if (read.kind == Read::Kind::kEnd) {
      ENGINE_ASSERT(read_ == stored_states(), read_.size(), stored_states().size());
    }
    return read;
  }

  void write(Epoch epoch, const StepId& step, recovery::Entries entries) override {
    MemoryPartition::write(epoch, step, entries);
    sqlite_->write(epoch, step, std::move(entries));
  }
  void commit(Epoch epoch) override {
    MemoryPartition::commit(epoch);
    sqlite_->commit(epoch);
  }
  void collect(Epoch limit) override {
    MemoryPartition::collect(limit);
    sqlite_->collect(limit);
  }
  Epoch durable() const override {
    ENGINE_ASSERT(sqlite_->durable() == MemoryPartition::durable(), sqlite_->durable());
    return sqlite_->durable();
  }

  bool has_work() const override { return sqlite_->has_work(); }
  void act() override {
    sqlite_->act();
    while (MemoryPartition::waiting() > sqlite_->waiting()) MemoryPartition::act();
    check_history();
  }

 private:
  test::States stored_states() const {
    test::States states;
    for (const auto& [name, versions] : stored().entries) {
      if (auto state = test::StoredPartition::newest(versions, cut_)) states[name] = *state;
    }
    return states;
  }

  // Memory forgets at once what SQLite may keep for longer.
  void check_history() {
    const recovery::History real = sqlite_->history();
    const recovery::History& model = stored().history;
    ENGINE_ASSERT(real.executions == model.executions, real.executions.size());
    ENGINE_ASSERT(real.durable == model.durable, real.durable, model.durable);
    ENGINE_ASSERT(real.written == model.written, real.written, model.written);
    ENGINE_ASSERT(real.collected <= model.collected, real.collected, model.collected);
  }

  std::map<std::string, std::string>& files_;
  std::mt19937_64 random_;
  test::MemoryDisk disk_;
  std::optional<recovery::SqlitePartition> sqlite_;
  Epoch cut_{};
  test::States read_;
};

}  // namespace cppwax::simulation
