// A recovery partition in a SQLite file, as the worker sees it that is its primary. What it asks
// for is queued and done in order by a thread of the partition's own, which knows no user code.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "engine/recovery/file_claim.hpp"
#include "engine/recovery/partition.hpp"
#include "engine/recovery/segment_store.hpp"

namespace cppwax::recovery {

struct PartitionSettings {
  PartitionFile file;
  // Without a thread nothing is done until `act` is called: for tests that decide about each step.
  bool has_thread = true;
  // Entries that wait for the thread.
  std::size_t queue_bytes = 8u << 20;
  StoreLimits limits{};
};

// The methods of Partition belong to one thread, `close` and the destructor too. Whatever fails
// where nobody waits for it comes out of the next call, and of all that follow; after it only
// `close` is of use. Destroyed without `close` it leaves the file as a kill would.
class SqlitePartition final : public Partition {
 public:
  // Opens and checks the file in the background; an error comes out of the first call.
  explicit SqlitePartition(PartitionSettings settings);
  ~SqlitePartition() override;

  History history() override;
  void begin(const Execution& execution) override;
  Read read() override;
  bool room() const override;
  void write(Epoch epoch, const StepId& step, Entries entries) override;
  void commit(Epoch epoch) override;
  Epoch durable() const override;
  void collect(Epoch limit) override;

  // Called where the contract says StoreProgress, from the thread that does the work. What was set
  // before is not called any more once this returns. Any thread.
  void on_progress(std::function<void()> call);

  // As SegmentStore's. REQUIRES: nothing was written yet.
  std::set<StepId> stored_steps(Epoch cut);
  void drop(const StepId& step);

  // Ends the thread after what it is at; what else was asked for is dropped, so that an epoch that
  // is not durable is lost. Leaves the file whole and alone. Errors: StoreError, also if only this
  // last step fails; all epochs that were durable are in the file even then.
  void close();

  // REQUIRES of all three: no thread.
  bool has_work() const;
  // How many writes, commits and collections were asked for and not done.
  std::size_t waiting() const;
  // Does one of the things that were asked for, or a slice of a merge.
  void act();

 private:
  enum class Ask { kWrite, kCommit, kCollect };
  struct Asked {
    Ask ask;
    Epoch epoch{};
    StepId step{};
    Entries entries{};
    std::size_t bytes = 0;
  };
  enum class Job { kNone, kCall, kAsked, kMerge, kRead };

  // What both threads see, under `mutex_`.
  struct Shared {
    std::deque<Asked> queue;
    std::size_t queued_bytes = 0;
    std::deque<Read> read;  // ahead of who reads; its end included
    bool wants_read = false;
    bool read_to_end = false;
    Epoch durable{};
    std::function<void()> call;  // somebody waits for it
    bool wants_merge = false;
    bool merge_is_due = false;  // before anything else that was asked for
    std::exception_ptr failure;
    bool closing = false;
  };

  void run_thread();
  void open();
  Job next_job() const;
  void do_one(std::unique_lock<std::mutex>& lock);
  void do_asked(std::unique_lock<std::mutex>& lock);
  void do_read(std::unique_lock<std::mutex>& lock);
  void tell_progress();
  void ask(Asked asked);
  void call_and_wait(const std::function<void()>& call);
  void stop_thread();
  void require_sound() const;

  PartitionSettings settings_;
  // Of the thread that does the work, and of others only when that has ended.
  std::optional<FileClaim> claim_;
  std::optional<SegmentStore> store_;
  bool changes_file_ = false;

  std::mutex progress_mutex_;
  std::function<void()> on_progress_;  // under `progress_mutex_`
  mutable std::mutex mutex_;
  std::condition_variable work_;  // there is something to do
  std::condition_variable done_;  // a call is through
  Shared shared_;
  std::thread thread_;
};

}  // namespace cppwax::recovery
