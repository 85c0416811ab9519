// The other processes, as the workers and the runtime of this one see them: messages go out by it
// and come in by it; it decides what a loss, a failure or a stop that is told means here.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/base/error.hpp"
#include "engine/channel/mailbox.hpp"
#include "engine/transport/cluster.hpp"
#include "engine/worker/conversion.hpp"

namespace cppwax::worker {

// A failure that another process has told, as text.
class RemoteFailure : public Error {
 public:
  explicit RemoteFailure(transport::FailureOutcome outcome);

  const transport::FailureOutcome outcome;
};

// What the link tells; called on the network's thread, must not wait, must not throw.
struct LinkEvents {
  // Another process has failed, or is lost: steps must stop, `settle` tells the rest.
  std::function<void()> on_failure;
  // Another process has ended without delivering everything, after a stop.
  std::function<void()> on_abandoned;
  // The cluster is to stop, by this signal of another process (0: a stop call).
  std::function<void(int signal)> on_stop;
  // A line for standard error.
  std::function<void(const std::string&)> on_warning;
};

using Mailboxes = std::vector<std::unique_ptr<channel::Mailbox>>;

// `post` by any worker of this process, in its UserCodeScope; all else by the thread that runs the
// runtime, or as said.
class ClusterLink final : public channel::Peers, private transport::Handler {
 public:
  // References outlive the link. `mailboxes` are those of this process's workers.
  // Errors: ConfigError (addresses, secret, certificates).
  ClusterLink(transport::ClusterSettings settings, Mailboxes& mailboxes,
              const Conversion& conversion, const Clock& clock, LinkEvents events);

  // kInterrupted: `stop` came first, here or on a process that had joined. Errors: ConfigError,
  // TransportError.
  transport::FormEnd form();
  void post(WorkerIndex to, channel::Delivery delivery) override;

  // This process was told to stop: asks worker 0, and tells all processes. Any thread.
  void stop(int signal);
  // Gives up waiting for the others. Any thread.
  void interrupt() { cluster_.interrupt(); }

  // This process has failed. Any thread. Of no effect after the first failure anywhere.
  void fail(transport::Failure failure) { cluster_.fail(std::move(failure)); }
  // What all processes show. REQUIRES: a failure was told, here or elsewhere.
  transport::FailureOutcome settle() { return cluster_.settle(); }
  transport::LeaveEnd leave() { return cluster_.leave(); }
  void close() { cluster_.close(); }

  // See Cluster::gather.
  std::optional<transport::ReportRound> gather(transport::Report own) {
    return cluster_.gather(std::move(own));
  }

  // The last epoch known to be durable: from where a restart resumes at least (P19). Any thread.
  void set_durable(Epoch epoch) {
    std::uint64_t known = durable_;
    while (known < epoch.value() && !durable_.compare_exchange_weak(known, epoch.value())) {
    }
  }

 private:
  void on_message(ProcessIndex from, transport::Message message) override;
  void on_failure(const transport::Failure& failure) override;
  void on_lost(ProcessIndex process, const std::string& text) override;
  void on_abandoned(ProcessIndex process) override;
  void on_warning(const std::string& text) override { events_.on_warning(text); }

  channel::Mailbox* own_mailbox(WorkerIndex worker);
  void told_to_stop(int signal);

  Mailboxes& mailboxes_;
  const Conversion& conversion_;
  const LinkEvents events_;
  const ProcessIndex process_;
  const std::uint32_t workers_per_process_;
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<bool> asked_to_stop_{false};  // by a signal or a call here
  std::atomic<bool> told_others_{false};    // of a stop, of whomever's
  transport::Cluster cluster_;
};

}  // namespace cppwax::worker
