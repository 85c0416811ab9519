// The processes of a run: finds them, carries messages between them, tells of those that are lost,
// fails and leaves in order. What the layers above see of the network; includes no Asio.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/transport/ends.hpp"
#include "engine/transport/hello.hpp"
#include "engine/transport/message.hpp"
#include "engine/transport/reports.hpp"
#include "engine/transport/security.hpp"

namespace cppwax::transport {

// Limits of time; the defaults are what users get.
struct Timing {
  Duration connect_timeout = std::chrono::seconds(300);
  Duration hello_limit = std::chrono::seconds(5);    // of connecting, and of handshake and hello
  Duration report_every = std::chrono::seconds(3);   // "waiting for process 1 …"
  Duration warn_after = std::chrono::seconds(5);     // of silence
  Duration peer_timeout = std::chrono::seconds(30);  // of silence: lost
  Duration heartbeat_every = std::chrono::seconds(1);
  Duration failure_wait = std::chrono::seconds(1);  // P18
  Duration close_limit = std::chrono::seconds(1);   // for what is still to be sent
};

struct ClusterSettings {
  ProcessIndex process;
  std::vector<std::string> addresses;  // of all processes, in order; "host:port"
  std::optional<std::string> bind;     // listen here instead of at the own entry
  Security security;
  HelloFacts facts;  // `process_count` and `peer_timeout_ms` are filled in
  // Of the plan: what a message may name.
  std::uint32_t channel_count = 0;
  std::uint32_t step_count = 0;
  std::uint64_t max_batch_bytes = std::uint64_t{1} << 30;
  std::uint64_t key_bytes = std::uint64_t{64} << 30;  // between TLS key updates
  Timing timing;
};

// What a cluster tells. Called on its I/O thread, one at a time; must not wait, must not throw, and
// may call `send`, `fail`, `tell_stop` and `interrupt`.
class Handler {
 public:
  virtual ~Handler() = default;
  // A batch, a frontier, an end, credit or control; in the order sent on its lane. After `start`,
  // or when a process closes after a stop before that.
  virtual void on_message(ProcessIndex from, Message message) = 0;
  // The first failure that comes from a peer: steps must stop; `settle` gives what to show.
  virtual void on_failure(const Failure& failure) = 0;
  // A process is gone, in the middle of the run. `text`: "lost process 1 (host:port): …", to which
  // the caller adds from where a restart will resume (P19), and gives it to `fail`.
  virtual void on_lost(ProcessIndex process, const std::string& text) = 0;
  // It has closed after a stop, without having delivered everything (P17).
  virtual void on_abandoned(ProcessIndex process) = 0;
  // A line for standard error: whom we wait for, who was refused, who is silent. Also while
  // forming.
  virtual void on_warning(const std::string& text) = 0;
};

enum class FormEnd {
  kJoined,
  kFailed,  // a process that had joined all others has failed already: `settle` gives it
  kInterrupted,
};

// Thread-safe, but that `form`, `start`, `gather`, `settle`, `leave` and `close` are for one
// thread. `form`, `gather` and `leave` are ended by `interrupt`; `settle` and `close` have limits
// of their own. One I/O thread, which takes no signals, from `form` to `close`.
class Cluster {
 public:
  // `handler` and `clock` outlive it. Errors: ConfigError (addresses, secret, certificates).
  Cluster(ClusterSettings settings, Handler& handler, const Clock& clock);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Blocks until all have joined. Errors: ConfigError if it cannot listen; TransportError if a peer
  // does not fit, did not come in time or was lost meanwhile. After anything but kJoined only
  // `close`, and what is said there, may be called.
  FormEnd form();
  // Messages are handed on from here on; those that came before, first.
  void start();

  // Tells all processes, and waits for what they tell: by process, this one's too. The n-th calls
  // of all processes belong together. Nothing, if before a process failed, was lost, or `interrupt`
  // was called. What was told counts, even if its sender is gone meanwhile.
  // REQUIRES: formed, and nothing waits in another call. Errors: ConfigError if it is too long.
  std::optional<ReportRound> gather(Report own);

  // Messages of a thread to a process arrive in its order as far as docs/wire_format.md says.
  // Dropped if the process is gone. The owner of a batch's buffers is let go of on the I/O thread
  // once they are written. REQUIRES: formed, but for a request to stop, which goes to those that
  // have joined; not this process. Errors: ConfigError for a batch beyond max_batch_bytes, or a
  // list of partitions too long.
  void send(ProcessIndex to, Message message);
  void send_to_all(const Message& message);

  // This process has failed, or takes a loss for a failure: tells all (P18). Does not wait. Of no
  // effect after the first failure, sent or received.
  void fail(Failure failure);
  // Waits until all know of the failure, `failure_wait` at most.
  // REQUIRES: `fail` was called, or on_failure was.
  FailureOutcome settle();

  // Tells those that have joined of a stop by this signal (0: a call), and notes it. Before all
  // have, nobody joins any more and `form` is interrupted. Also while `form` runs, and on the I/O
  // thread.
  void tell_stop(int signal);
  // A stop was told to all: from here on a peer that closes has abandoned, not been lost.
  void note_stop();
  // Everything is done here: says so and waits for all (P20).
  LeaveEnd leave();

  void interrupt();
  // Sends what is left, `close_limit` at most, closes and joins the thread. Later calls do nothing.
  // After it, nothing is called on the handler. Not on the I/O thread.
  void close();

  bool own_worker(WorkerIndex worker) const { return process_of(worker) == process_; }
  ProcessIndex process_of(WorkerIndex worker) const {
    return ProcessIndex(worker.value() / workers_per_process_);
  }

 private:
  class Impl;
  const ProcessIndex process_;
  const std::uint32_t workers_per_process_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cppwax::transport
