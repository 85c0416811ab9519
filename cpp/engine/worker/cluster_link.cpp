#include "engine/worker/cluster_link.hpp"

#include <utility>
#include <variant>

namespace cppwax::worker {

RemoteFailure::RemoteFailure(transport::FailureOutcome told)
    : Error(told.first.message), outcome(std::move(told)) {
  context.step = outcome.first.step;
  context.worker = outcome.first.worker;
  context.process = outcome.first.process;
  context.epoch = outcome.first.epoch;
}

ClusterLink::ClusterLink(transport::ClusterSettings settings, Mailboxes& mailboxes,
                         const Conversion& conversion, const Clock& clock, LinkEvents events)
    : mailboxes_(mailboxes),
      conversion_(conversion),
      events_(std::move(events)),
      process_(settings.process),
      workers_per_process_(settings.facts.workers_per_process),
      cluster_(std::move(settings), *this, clock) {}

transport::FormEnd ClusterLink::form() {
  const transport::FormEnd end = cluster_.form();
  if (end == transport::FormEnd::kJoined) cluster_.start();
  return end;
}

void ClusterLink::post(WorkerIndex to, channel::Delivery delivery) {
  if (channel::Mailbox* mailbox = own_mailbox(to)) return mailbox->post(std::move(delivery));
  cluster_.send(cluster_.process_of(to), conversion_.to_message(to, std::move(delivery)));
}

// Each process hears of it, so that all begin to count their stop timeouts; worker 0 answers (P17).
void ClusterLink::stop(int signal) {
  asked_to_stop_ = true;
  if (!told_others_.exchange(true)) cluster_.tell_stop(signal);
  if (channel::Mailbox* mailbox = own_mailbox(WorkerIndex(0))) {
    mailbox->post(channel::Control(channel::StopRequest{signal}));
  }
}

channel::Mailbox* ClusterLink::own_mailbox(WorkerIndex worker) {
  if (!cluster_.own_worker(worker)) return nullptr;
  return mailboxes_[worker.value() % workers_per_process_].get();
}

void ClusterLink::on_message(ProcessIndex, transport::Message message) {
  auto [to, delivery] = Conversion::to_delivery(std::move(message));
  if (const auto* control = std::get_if<channel::Control>(&delivery)) {
    if (const auto* request = std::get_if<channel::StopRequest>(control)) {
      if (!asked_to_stop_) {
        told_to_stop(request->signal);
        // Who told may not have met all whom this process has, and be gone.
        if (!told_others_.exchange(true)) cluster_.tell_stop(request->signal);
      }
      if (to != WorkerIndex(0)) return;
    }
    const auto* stop = std::get_if<channel::Stop>(control);
    if (stop && !asked_to_stop_) told_to_stop(stop->signal);
  }
  own_mailbox(to)->post(std::move(delivery));
}

// By whichever comes first: worker 0's answer may overtake another process's request.
void ClusterLink::told_to_stop(int signal) {
  cluster_.note_stop();
  events_.on_stop(signal);
}

void ClusterLink::on_failure(const transport::Failure&) {
  events_.on_failure();
}

// A survivor knows of its own probe alone: another process may have committed more (P19).
void ClusterLink::on_lost(ProcessIndex, const std::string& text) {
  transport::Failure failure;
  failure.kind = transport::FailureKind::kLost;
  failure.process = process_;
  failure.epoch = Epoch(durable_);
  failure.message = text;
  if (durable_ > 0) {
    failure.message += "; a restart resumes from epoch " + std::to_string(durable_) + " at least";
  }
  cluster_.fail(std::move(failure));
  events_.on_failure();
}

void ClusterLink::on_abandoned(ProcessIndex process) {
  events_.on_warning("process " + std::to_string(process.value()) +
                     " ended without delivering all that was in flight");
  events_.on_abandoned();
}

}  // namespace cppwax::worker
