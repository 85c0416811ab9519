#include "engine/transport/cluster_impl.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <system_error>

#include "engine/base/error.hpp"
#include "engine/transport/spawn.hpp"

namespace cppwax::transport {

namespace {

// Threads made while this lives get no signals, nor do those that they make (Asio's resolver).
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_{};
};

Duration check_interval(const Timing& timing) {
  const Duration limit = std::min(timing.warn_after, timing.peer_timeout);
  return std::clamp<Duration>(limit / 5, std::chrono::milliseconds(1), std::chrono::seconds(1));
}

bool is_stop_request(const Message& message) {
  const auto* control = std::get_if<ControlMessage>(&message);
  return control && std::holds_alternative<channel::StopRequest>(control->control);
}

std::string whole_seconds(Duration duration) {
  return std::to_string(std::chrono::round<std::chrono::seconds>(duration).count()) + " s";
}

}  // namespace

Cluster::Impl::Impl(ClusterSettings settings, Handler& handler, const Clock& clock)
    : settings_(std::move(settings)),
      handler_(handler),
      clock_(clock),
      forming_(io_, settings_, clock, *this),
      ends_(settings_.process, static_cast<std::uint32_t>(settings_.addresses.size()),
            settings_.timing.failure_wait, *this),
      reports_(static_cast<std::uint32_t>(settings_.addresses.size())),
      round_timer_(io_),
      peer_timer_(io_),
      close_timer_(io_) {}

Cluster::Impl::~Impl() {
  stop_thread();
}

// --- the thread ----------------------------------------------------------------------------------

void Cluster::Impl::start_thread() {
  work_.emplace(net::make_work_guard(io_));
  const NoSignals blocked;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    work_.reset();
    throw ConfigError(std::string("cannot start the network thread: ") + error.what());
  }
}

void Cluster::Impl::stop_thread() {
  if (!thread_.joinable()) return;
  post([this] { begin_close(); });
  thread_.join();
}

// An exception here is a bug, or no memory: the peers are told by closing, the handler by losing
// them, and whoever waits is let go: who waits for a failure, by one of ours behind what the
// handler makes of the losses, since it has none where all had closed before.
void Cluster::Impl::run() noexcept {
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception& error) {
      const std::string text = std::string("the network layer failed: ") + error.what();
      handler_.on_warning(text);
      milestones_.note([&](Milestones::Facts& facts) {
        if (!facts.formed) facts.not_formed = text;
      });
      ends_.note_loss();
      check_ends();
      for (const auto& [process, connection] : connections_) connection->close(text);
      post([this, text] { fail(lost(text)); });
    }
  }
}

// The reader's end of each connection closes it when the peer has closed too.
void Cluster::Impl::begin_close() {
  if (std::exchange(closing_, true)) return;
  drain_outbox();
  forming_.stop();
  peer_timer_.cancel();
  round_timer_.cancel();
  for (const auto& [process, connection] : connections_) connection->finish();
  spawn(io_, end_close());
  end_if_closed();
}

Awaitable<void> Cluster::Impl::end_close() {
  ErrorCode cancelled;
  close_timer_.expires_after(settings_.timing.close_limit);
  co_await close_timer_.async_wait(into(cancelled));
  for (const auto& [process, connection] : connections_) connection->close("");
  end_if_closed();
}

void Cluster::Impl::end_if_closed() {
  const bool closed =
      std::ranges::none_of(connections_, [](const auto& entry) { return entry.second->open(); });
  if (!closing_ || !closed) return;
  close_timer_.cancel();
  work_.reset();
}

// --- peers ---------------------------------------------------------------------------------------

void Cluster::Impl::on_peer(ProcessIndex process, std::unique_ptr<Stream> stream,
                            const Hello& theirs) {
  const Timing& timing = settings_.timing;
  // Often enough for whichever side waits less.
  const Duration theirs_waits = std::chrono::milliseconds(theirs.facts.peer_timeout_ms);
  const Duration often =
      std::min({timing.heartbeat_every, timing.peer_timeout / 5, theirs_waits / 5});
  const Connection::Settings settings{
      .seats = {settings_.process, process, settings_.facts.workers_per_process,
                settings_.channel_count, settings_.step_count},
      .max_batch_bytes = settings_.max_batch_bytes,
      .heartbeat_every = std::max<Duration>(often, std::chrono::milliseconds(1)),
      .liveness = {check_interval(timing), timing.warn_after, timing.peer_timeout}};
  if (connections_.empty()) spawn(io_, watch_peers());
  auto& connection = connections_[process];
  connection = std::make_unique<Connection>(io_, std::move(stream), settings,
                                            static_cast<ConnectionEvents&>(*this));
  connection->start(clock_.steady());
}

void Cluster::Impl::on_formed() {
  formed_ = true;
  milestones_.note([](Milestones::Facts& facts) { facts.formed = true; });
}

Failure Cluster::Impl::lost(const std::string& why) const {
  Failure failure;
  failure.kind = FailureKind::kLost;
  failure.type = "ClusterError";
  failure.message = why;
  failure.process = settings_.process;
  return failure;
}

// Those that have joined are told why. The first reason counts: others follow from it, such as the
// close of the peer that gave it.
void Cluster::Impl::on_not_formed(const std::string& why) {
  if (std::exchange(not_formed_, true)) return;
  tell_all(lost(why));
  // The first reason counts: whoever gives it closes then.
  milestones_.note([&](Milestones::Facts& facts) {
    if (!facts.not_formed) facts.not_formed = why;
  });
}

Awaitable<void> Cluster::Impl::watch_peers() {
  const Duration interval = check_interval(settings_.timing);
  while (!closing_) {
    ErrorCode cancelled;
    peer_timer_.expires_after(interval);
    co_await peer_timer_.async_wait(into(cancelled));
    if (closing_) co_return;
    for (const auto& [process, connection] : connections_) {
      if (connection->open()) check_peer(process, *connection);
    }
  }
}

void Cluster::Impl::check_peer(ProcessIndex process, Connection& connection) {
  const std::string silence = whole_seconds(connection.liveness().silent());
  const Liveness::Verdict verdict = connection.liveness().check(clock_.steady());
  const Timing& timing = settings_.timing;
  switch (verdict) {
    case Liveness::Verdict::kFine:
      break;
    case Liveness::Verdict::kSilent:
      handler_.on_warning(forming_.name(process) + " has been silent for " +
                          whole_seconds(timing.warn_after) + "; it counts as lost after " +
                          whole_seconds(timing.peer_timeout));
      break;
    case Liveness::Verdict::kBack:
      handler_.on_warning(forming_.name(process) + " answers again, after " + silence);
      break;
    case Liveness::Verdict::kLost:
      connection.close("it has been silent for " + whole_seconds(timing.peer_timeout));
      break;
  }
}

// Who closes after a stop before the start has not begun, and nobody can: the handler is given the
// stop then.
void Cluster::Impl::on_closed(ProcessIndex peer, const std::string& why) {
  const Leaving::Close close = ends_.on_closed(peer);
  if (closing_) return end_if_closed();
  if (close == Leaving::Close::kLeft) return check_ends();
  const std::string text = "lost " + forming_.name(peer) + ": " + why;
  const bool lost = close == Leaving::Close::kLost;
  if (!lost && !started_) hand_on();
  if (!formed_) {
    forming_.stop();
    if (lost) on_not_formed(text + ", while the cluster was forming");
    return;
  }
  if (lost) {
    handler_.on_lost(peer, text);
  } else {
    handler_.on_abandoned(peer);
  }
  check_ends();
}

// --- messages ------------------------------------------------------------------------------------

void Cluster::Impl::send(ProcessIndex to, Message message) {
  const bool first = outbox_.with([&](auto& outbox) {
    outbox.emplace_back(to, std::move(message));
    return outbox.size() == 1;
  });
  if (first) post([this] { drain_outbox(); });
}

void Cluster::Impl::drain_outbox() {
  auto outbox = outbox_.with([](auto& messages) { return std::exchange(messages, {}); });
  for (auto& [to, message] : outbox) {
    const auto found = connections_.find(to);
    if (found != connections_.end()) found->second->push(std::move(message));
  }
}

void Cluster::Impl::tell_all(const Message& message) {
  for (const auto& [process, connection] : connections_) connection->push(message);
}

void Cluster::Impl::on_message(ProcessIndex from, Message message) {
  if (auto* failure = std::get_if<Failure>(&message)) {
    on_failure(std::move(*failure));
  } else if (std::holds_alternative<FailureAck>(message)) {
    ends_.on_ack(from);
    check_ends();
  } else if (auto* report = std::get_if<Report>(&message)) {
    add_report(from, std::move(*report));
  } else if (std::holds_alternative<Done>(message)) {
    ends_.on_done(from);
    check_ends();
  } else if (!std::holds_alternative<Heartbeat>(message)) {
    deliver(from, std::move(message));
  }
}

// Who sends a request to stop while the cluster forms may close at once; the handler learns of it
// with all else that comes early.
void Cluster::Impl::deliver(ProcessIndex from, Message message) {
  if (closing_) return;
  if (is_stop_request(message)) ends_.note_stop();
  if (started_) {
    handler_.on_message(from, std::move(message));
  } else {
    early_.emplace_back(from, std::move(message));
  }
}

void Cluster::Impl::hand_on() {
  started_ = true;
  for (auto& [from, message] : std::exchange(early_, {})) {
    handler_.on_message(from, std::move(message));
  }
}

void Cluster::Impl::report(const Report& own) {
  tell_all(own);
  add_report(settings_.process, own);
}

void Cluster::Impl::add_report(ProcessIndex from, Report report) {
  if (!reports_.add(from, std::move(report))) {
    connections_.at(from)->close("it sent a report too many");
    return;
  }
  while (auto round = reports_.take_round()) {
    rounds_.with([&](auto& rounds) { rounds.push_back(std::move(*round)); });
    milestones_.note([](Milestones::Facts& facts) { ++facts.rounds; });
  }
}

// A round that is complete counts, whatever has come after it.
std::optional<ReportRound> Cluster::Impl::next_round() {
  const Milestones::Facts facts = milestones_.wait([&](const Milestones::Facts& now) {
    return now.rounds > rounds_taken_ || now.ends.failed || now.ends.lost || now.ends.abandoned ||
           now.interrupted;
  });
  if (facts.rounds == rounds_taken_) return std::nullopt;
  ++rounds_taken_;
  return rounds_.with([](auto& rounds) {
    ReportRound round = std::move(rounds.front());
    rounds.pop_front();
    return round;
  });
}

// --- ends ----------------------------------------------------------------------------------------

void Cluster::Impl::fail(Failure failure) {
  ends_.fail(std::move(failure), clock_.steady());
  check_ends();
}

void Cluster::Impl::on_failure(Failure failure) {
  if (!formed_) {
    forming_.stop();
    if (failure.kind == FailureKind::kLost) {
      return on_not_formed(forming_.name(failure.process) + " ended: " + failure.message);
    }
    // It had all the others, and has begun already. Those that this one has not, it cannot tell.
    for (std::uint32_t p = 0; p < settings_.addresses.size(); ++p) {
      if (!connections_.contains(ProcessIndex(p))) ends_.without(ProcessIndex(p));
    }
  }
  ends_.on_failure(std::move(failure), clock_.steady());
  check_ends();
}

void Cluster::Impl::on_round(SteadyTime) {
  spawn(io_, watch_round());
}

Awaitable<void> Cluster::Impl::watch_round() {
  ErrorCode cancelled;
  round_timer_.expires_after(settings_.timing.failure_wait);
  co_await round_timer_.async_wait(into(cancelled));
  check_ends();
}

// In one go: who joined in between would not hear of it, and after an interruption we close.
void Cluster::Impl::tell_stop(int signal) {
  note_stop();
  if (!formed_) forming_.stop();
  drain_outbox();
  for (const auto& [process, connection] : connections_) {
    const WorkerIndex first(process.value() * settings_.facts.workers_per_process);
    connection->push(ControlMessage{first, channel::StopRequest{signal}});
  }
  if (formed_) return;
  milestones_.note([](Milestones::Facts& facts) { facts.interrupted = true; });
}

void Cluster::Impl::leave() {
  ends_.leave();
  check_ends();
}

void Cluster::Impl::check_ends() {
  const Ends::Facts& ends = ends_.update(clock_.steady());
  milestones_.note([&](Milestones::Facts& facts) { facts.ends = ends; });
}

}  // namespace cppwax::transport
