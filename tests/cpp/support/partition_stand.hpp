// Recovery partitions of all kinds behind one front, for tests that ask the same of each: what is
// on the disk outlives the partitions that are opened on it.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "engine/recovery/resume.hpp"
#include "engine/recovery/sqlite_partition.hpp"
#include "engine/recovery/store_folder.hpp"
#include "support/memory_disk.hpp"
#include "support/memory_partition.hpp"
#include "support/temp_folder.hpp"

namespace cppwax::test {

using States = std::map<std::pair<StepId, std::string>, std::string>;

// Limits that let a few entries have the effect of many.
inline recovery::StoreLimits small_limits() {
  return {.open_bytes = 3000,
          .read_entries = 7,
          .read_bytes = 500,
          .merge_bytes = 300,
          .merge_from = {.segments = 3, .bytes = 2000}};
}

class PartitionStand {
 public:
  virtual ~PartitionStand() = default;

  // A partition that was opened before is gone, as after a kill.
  virtual recovery::Partition& open() = 0;
  // Closes it in good order.
  virtual void close() = 0;
  // Lets the partition work until `reached`.
  virtual void wait_until(const std::function<bool()>& reached) = 0;
};

class MemoryStand final : public PartitionStand {
 public:
  recovery::Partition& open() override {
    partition_.emplace(stored_, 4, [] {});
    partition_->let_reads_wait();
    return *partition_;
  }
  void close() override { partition_.reset(); }
  void wait_until(const std::function<bool()>& reached) override {
    while (!reached()) partition_->act();
  }

 private:
  StoredPartition stored_;
  std::optional<MemoryPartition> partition_;
};

// A file that holds a new partition, on a disk in memory.
inline recovery::PartitionFile make_partition(MemoryDisk& disk, const std::string& path) {
  const recovery::Identity identity{"some-store", RecoveryPartitionIndex(0), 1};
  disk.create(path);
  recovery::Database file(path, recovery::Database::Access::kReadWrite, disk.vfs());
  recovery::create_schema(file, identity);
  return {path, identity, "flow", disk.vfs()};
}

// SQLite without a thread, on a disk in memory.
class SteppedStand final : public PartitionStand {
 public:
  SteppedStand() : file_(make_partition(disk_, "part-0.sqlite3")) {}

  recovery::Partition& open() override {
    partition_.reset();
    partition_.emplace(recovery::PartitionSettings{
        .file = file_, .has_thread = false, .queue_bytes = 2000, .limits = small_limits()});
    return *partition_;
  }
  void close() override {
    partition_->close();
    partition_.reset();
  }
  void wait_until(const std::function<bool()>& reached) override {
    while (!reached()) {
      ENGINE_ASSERT(partition_->has_work());
      partition_->act();
    }
  }
  // Until it has nothing to do any more.
  void finish() {
    while (partition_->has_work()) partition_->act();
  }
  MemoryDisk& disk() { return disk_; }
  recovery::SqlitePartition& partition() { return *partition_; }

 private:
  MemoryDisk disk_;
  recovery::PartitionFile file_;
  std::optional<recovery::SqlitePartition> partition_;
};

// SQLite with its thread, in a folder of the system's.
class ThreadStand final : public PartitionStand {
 public:
  ThreadStand() { recovery::init_store(folder_.path(), 1); }

  recovery::Partition& open() override {
    partition_.reset();
    const auto homes =
        recovery::arrange_partitions({recovery::find_partitions(folder_.path()).partitions});
    partition_.emplace(
        recovery::PartitionSettings{.file = {homes[0].path, homes[0].identity, "flow"},
                                    .queue_bytes = 2000,
                                    .limits = small_limits()});
    partition_->on_progress([this] {
      const std::lock_guard lock(mutex_);
      ++progress_;
      changed_.notify_all();
    });
    return *partition_;
  }
  void close() override {
    partition_->close();
    partition_.reset();
  }
  void wait_until(const std::function<bool()>& reached) override {
    for (;;) {
      const std::size_t before = progress();
      if (reached()) return;
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return progress_ != before; });
    }
  }
  const TempFolder& folder() const { return folder_; }

 private:
  std::size_t progress() {
    const std::lock_guard lock(mutex_);
    return progress_;
  }

  TempFolder folder_;
  std::optional<recovery::SqlitePartition> partition_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t progress_ = 0;
};

// All that is stored, as the loader sees it. Errors: InvariantError if a key comes twice.
inline States load_all(PartitionStand& stand, recovery::Partition& partition) {
  States states;
  for (;;) {
    recovery::Partition::Read read;
    stand.wait_until([&] {
      read = partition.read();
      return read.kind != recovery::Partition::Read::Kind::kNotYet;
    });
    if (read.kind == recovery::Partition::Read::Kind::kEnd) return states;
    for (recovery::Entry& entry : read.entries) {
      const bool is_new = states.emplace(std::pair(read.step, entry.key), *entry.state).second;
      ENGINE_ASSERT(is_new, read.step, entry.key);
    }
  }
}

inline void commit_and_wait(PartitionStand& stand, recovery::Partition& partition, Epoch epoch) {
  partition.commit(epoch);
  stand.wait_until([&] { return partition.durable() >= epoch; });
}

}  // namespace cppwax::test
