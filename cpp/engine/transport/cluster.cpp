#include "engine/transport/cluster.hpp"

#include <utility>

#include "engine/base/error.hpp"
#include "engine/transport/cluster_impl.hpp"
#include "engine/transport/frame.hpp"

namespace cppwax::transport {

namespace {

void check_settings(const ClusterSettings& settings) {
  if (settings.process.value() >= settings.addresses.size()) {
    throw ConfigError("process index " + std::to_string(settings.process.value()) +
                      " is out of range: the address list has " +
                      std::to_string(settings.addresses.size()) + " entries, counted from 0");
  }
  ENGINE_ASSERT(settings.facts.workers_per_process > 0);
}

void check_size(const BatchMessage& batch, const ClusterSettings& settings) {
  const std::size_t size = data::total_size(batch.buffers);
  if (size > settings.max_batch_bytes) {
    throw ConfigError("a batch takes " + std::to_string(size) + " bytes, allowed are " +
                      std::to_string(settings.max_batch_bytes) +
                      ": emit smaller items, or raise --max-batch-bytes on all processes");
  }
  ENGINE_ASSERT(batch.buffers.size() <= data::PayloadCodec::kMaxBuffers, batch.buffers.size());
}

void check_size(const ControlMessage& message) {
  const auto* parts = std::get_if<channel::Parts>(&message.control);
  if (parts == nullptr) return;
  bool fits = parts_bytes(*parts) <= kMaxPartsBytes;
  for (const std::string& name : parts->names) fits = fits && name.size() <= kMaxPartName;
  if (!fits) {
    throw ConfigError("a step lists partitions whose names take more than " +
                      std::to_string(kMaxPartsBytes) + " bytes in all, or one more than " +
                      std::to_string(kMaxPartName) + ": use fewer or shorter ones");
  }
}

void check_size(const Report& report) {
  if (report.content.size() <= Report::kMaxBytes) return;
  throw ConfigError("what this process has to tell the others before the start takes " +
                    std::to_string(report.content.size()) + " bytes, allowed are " +
                    std::to_string(Report::kMaxBytes) +
                    ": make the recovery store with fewer partitions");
}

}  // namespace

Cluster::Cluster(ClusterSettings settings, Handler& handler, const Clock& clock)
    : process_(settings.process), workers_per_process_(settings.facts.workers_per_process) {
  check_settings(settings);
  impl_ = std::make_unique<Impl>(std::move(settings), handler, clock);
}

Cluster::~Cluster() {
  close();
}

FormEnd Cluster::form() {
  impl_->start_thread();
  impl_->post([impl = impl_.get()] { impl->begin_forming(); });
  const Milestones::Facts facts = impl_->milestones().wait([](const Milestones::Facts& now) {
    return now.formed || now.not_formed || now.ends.failed || now.interrupted;
  });
  if (facts.not_formed) throw TransportError(*facts.not_formed);
  if (facts.formed) return FormEnd::kJoined;
  return facts.ends.failed ? FormEnd::kFailed : FormEnd::kInterrupted;
}

void Cluster::start() {
  impl_->post([impl = impl_.get()] { impl->hand_on(); });
}

std::optional<ReportRound> Cluster::gather(Report own) {
  check_size(own);
  impl_->post([impl = impl_.get(), own = std::move(own)] { impl->report(own); });
  return impl_->next_round();
}

void Cluster::send(ProcessIndex to, Message message) {
  if (const auto* batch = std::get_if<BatchMessage>(&message)) {
    check_size(*batch, impl_->settings());
  } else if (const auto* control = std::get_if<ControlMessage>(&message)) {
    check_size(*control);
  }
  impl_->send(to, std::move(message));
}

void Cluster::send_to_all(const Message& message) {
  for (std::uint32_t i = 0; i < impl_->settings().addresses.size(); ++i) {
    if (ProcessIndex(i) != process_) send(ProcessIndex(i), message);
  }
}

void Cluster::fail(Failure failure) {
  impl_->post([impl = impl_.get(), failure = std::move(failure)] { impl->fail(failure); });
}

FailureOutcome Cluster::settle() {
  return impl_->milestones()
      .wait([](const Milestones::Facts& now) { return now.ends.settled; })
      .ends.outcome;
}

void Cluster::tell_stop(int signal) {
  impl_->post([impl = impl_.get(), signal] { impl->tell_stop(signal); });
}

void Cluster::note_stop() {
  impl_->post([impl = impl_.get()] { impl->note_stop(); });
}

LeaveEnd Cluster::leave() {
  impl_->post([impl = impl_.get()] { impl->leave(); });
  const Milestones::Facts facts = impl_->milestones().wait(
      [](const Milestones::Facts& now) { return Ends::leave_end(now.ends) || now.interrupted; });
  return Ends::leave_end(facts.ends).value_or(LeaveEnd::kInterrupted);
}

void Cluster::interrupt() {
  impl_->milestones().note([](Milestones::Facts& facts) { facts.interrupted = true; });
}

void Cluster::close() {
  interrupt();
  impl_->stop_thread();
}

}  // namespace cppwax::transport
