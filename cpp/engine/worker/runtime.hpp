// One execution of a plan in this process: the workers, their threads, the first error, the end.
// The only place where threads are made.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/base/guarded.hpp"
#include "engine/base/ids.hpp"
#include "engine/channel/credit.hpp"
#include "engine/channel/mailbox.hpp"
#include "engine/graph/plan.hpp"
#include "engine/operators/logic.hpp"
#include "engine/transport/cluster.hpp"
#include "engine/worker/cluster_link.hpp"
#include "engine/worker/conversion.hpp"
#include "engine/worker/meters.hpp"
#include "engine/worker/recovery_session.hpp"
#include "engine/worker/worker.hpp"

namespace cppwax::worker {

struct RunSettings {
  std::uint32_t worker_count = 1;
  Duration epoch_interval = std::chrono::seconds(10);
  channel::Amount window = channel::kDefaultWindow;
  // Worker 0 runs on the thread that calls `run`; else all workers have threads of their own.
  bool on_caller_thread = true;
  // Null: without recovery. Not opened yet; outlives the runtime.
  RecoverySession* recovery = nullptr;
  // Null: nobody watches. Of the plan, and of this process's workers; outlives the runtime.
  Meters* meters = nullptr;
  // This process is one of several, of which each has `worker_count` workers.
  std::optional<transport::ClusterSettings> cluster{};
  // A failure of this process as text, for the others. Any thread; must not throw.
  std::function<transport::Failure(const std::exception_ptr&)> describe{};
  // A line about other processes or the store, for standard error; and that another process was
  // told to stop (`stop_told`). Any thread; must not wait or throw.
  std::function<void(const std::string&)> on_warning{};
  std::function<void()> on_stop{};
  // Called when a worker has failed, with its failure, and with null when a source has asked for an
  // abrupt end or another process has failed: all workers end after the call of user code that they
  // are in. Any thread, perhaps several at once; it must not throw.
  std::function<void(const std::exception_ptr&)> on_early_end{};

  ProcessIndex process() const { return cluster ? cluster->process : ProcessIndex(0); }
  // Of this process.
  WorkerIndex first_worker() const { return WorkerIndex(process().value() * worker_count); }
};

// How a run that did not fail ended.
enum class RunEnd {
  kEof,        // the data ended
  kStopped,    // a stop was asked for; all that was in flight has been delivered
  kAborted,    // a source asked for an abrupt end
  kAbandoned,  // the stop took too long; what was in flight is lost
};

// `run` is called once, by the owner; `request_stop` and `abandon` by any thread, at any time.
class Runtime {
 public:
  // All references outlive the runtime. Constructing runs no user code.
  Runtime(const graph::Plan& plan, const operators::LogicFactory& logic, const Clock& clock,
          RunSettings settings);
  // REQUIRES: inside a UserCodeScope: what is still in flight dies here.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Runs to the end; returns, also by exception, only after all threads are joined.
  // REQUIRES: outside any UserCodeScope of the calling thread.
  // Errors: the failure of the lowest (epoch, worker) of those that happened, one of closing only
  // if there is no other, and one after `abandon` only then (Error, with its context filled in). Of
  // several processes: RemoteFailure if another one's is the first, TransportError if one was lost,
  // did not come or does not fit; RecoveryError, on all, if the store does not.
  RunEnd run();

  // First step of a stop (docs/progress_and_snapshots.md P17), by this signal (0: a call). Later
  // calls do nothing.
  void request_stop(int signal = 0);
  // Last step of a stop, or of a failure or abort that others keep waiting: every worker ends after
  // the call of user code it is in. What fails from here on yields to what failed before, and to an
  // abort. Returns whether anything had failed.
  bool abandon();
  // Lets worker 0 enter its scope once more, though nothing else happens: on the caller's thread it
  // learns of pending signal handlers there. Any thread, while it runs.
  void wake();

  // The signal by which another process was told to stop (0: by a call). Any thread.
  std::optional<int> stop_told() const {
    const int signal = stop_told_;
    return signal < 0 ? std::nullopt : std::optional(signal);
  }
  // Whether a failure, an abort or `abandon` ends the run. Any thread.
  bool ended_early() const { return over(); }
  // The threads of workers that have not left their loops, to close their steps, yet. Any thread.
  std::set<std::thread::id> at_work();

 private:
  class ProcessPeers;

  RunEnd run_in_cluster();
  RunEnd work_in_cluster();
  bool open_store();
  void make_workers();
  RunEnd run_workers();
  RunEnd leave_cluster(RunEnd end);
  RunEnd settle_cluster(const std::exception_ptr& own);
  void end_for_others(RunEnd how);
  transport::Failure abort_of(const Worker& worker) const;
  transport::Failure failure_at_start(const std::exception_ptr& error) const;
  transport::Failure failure_of(std::size_t index, const std::exception_ptr& error) const;
  void run_worker(std::size_t index) noexcept;
  void enter(std::size_t index, operators::UserCodeScope& scope) noexcept;
  bool work(std::size_t index) noexcept;
  void close(std::size_t index, operators::UserCodeScope& scope) noexcept;
  void fail(std::size_t index, std::exception_ptr error, bool at_close = false);
  bool over() const { return early_end_ != RunEnd::kEof; }
  bool note_early_end(RunEnd how);
  void wake_all();
  std::vector<std::thread> start_threads(std::size_t first);
  RunEnd outcome();

  const graph::Plan& plan_;
  const operators::LogicFactory& logic_;
  const Clock& clock_;
  RunSettings settings_;
  Mailboxes mailboxes_;
  Conversion conversion_;
  std::unique_ptr<ProcessPeers> peers_;  // of an only process
  std::unique_ptr<ClusterLink> link_;    // of one of several
  std::vector<std::unique_ptr<Worker>> workers_;

  struct Failure {
    bool after_abandon;
    bool at_close;
    Epoch epoch;
    std::size_t worker;
    std::exception_ptr error;
  };
  Guarded<std::vector<Failure>> failures_;
  Guarded<std::set<std::thread::id>> at_work_;
  // Anything but kEof: workers leave their loops. Set once.
  std::atomic<RunEnd> early_end_{RunEnd::kEof};
  std::atomic<bool> stop_asked_{false};
  std::atomic<int> stop_told_{-1};
  std::atomic<bool> others_ended_{false};  // another process has failed or is lost
  std::atomic<bool> abandoned_{false};     // written while `failures_` is held
};

}  // namespace cppwax::worker
