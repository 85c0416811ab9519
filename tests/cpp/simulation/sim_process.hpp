// One process of a simulated cluster: its workers, and what it does about ends. The classes are
// those of production; only what threads and sockets do there is done here, in turns.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "engine/base/error.hpp"
#include "engine/transport/ends.hpp"
#include "engine/worker/conversion.hpp"
#include "simulation/random.hpp"
#include "simulation/sim_network.hpp"
#include "simulation/sim_workers.hpp"

namespace cppwax::simulation {

// How the run of a process ended.
enum class ProcessEnd { kNone, kDone, kAborted, kFailed, kLost, kAbandoned, kKilled };

// What all processes of a run have in common. All of it outlives them.
struct SimSurroundings {
  const graph::Plan& plan;
  const operators::LogicFactory& logic;
  test::FakeClock& clock;
  Random& random;
  SimNetwork& network;
  std::uint32_t workers_per_process;
  Duration epoch_interval;
  channel::Amount window;
};

// Belongs to one thread.
class SimProcess final : public channel::Peers, private transport::EndsEvents {
 public:
  static constexpr Duration kFailureWait = std::chrono::seconds(1);
  static constexpr Duration kCloseLimit = std::chrono::seconds(1);
  static constexpr Duration kStopTimeout = std::chrono::seconds(1);

  SimProcess(const SimSurroundings& all, ProcessIndex own)
      : all_(all),
        own_(own),
        conversion_(all.plan, all.logic.codec()),
        ends_(own, all.network.processes(), kFailureWait, *this),
        workers_(
            all.plan, all.logic, all.clock, *this,
            {own.value() * all.workers_per_process, all.workers_per_process,
             all.network.processes() * all.workers_per_process, all.epoch_interval, all.window}),
        pace_(all.random.one_of<unsigned>({15, 50, 100})) {
    for (std::uint32_t p = 0; p < all.network.processes(); ++p) {
      if (ProcessIndex(p) != own) peers_.emplace_back(p);
    }
  }

  // Does something, or nothing because it is not its turn.
  void turn() {
    if (gone() || frozen() || !all_.random.chance(pace_)) return;
    const std::size_t w = all_.random.below(workers_.size());
    if (at_work() && workers_.has_work(w)) step(w);
    for (const ProcessIndex peer : peers_) {
      if (all_.random.chance(60)) use_connection(peer);
    }
    if (!posted_.empty() && all_.random.chance(60)) run_posted();
    if (stop_due_ && now() >= *stop_due_ && !interrupted_) abandon();
    if (may_go_on()) go_on();
  }

  // By a signal, say: asks worker 0, and tells all.
  void stop() {
    if (gone() || phase_ == Phase::kClosing || stop_due_) return;
    on_stop();
    const channel::StopRequest request{15};
    if (own_ == ProcessIndex(0)) workers_.post(WorkerIndex(0), channel::Control(request));
    for (const ProcessIndex peer : peers_) {
      const WorkerIndex first(peer.value() * all_.workers_per_process);
      all_.network.push(own_, peer, transport::ControlMessage{first, request});
    }
  }
  void kill() {
    if (gone()) return;
    end_ = ProcessEnd::kKilled;
    phase_ = Phase::kGone;
    all_.network.kill(own_);
  }
  void freeze(Duration how_long) {
    if (!gone()) frozen_until_ = now() + how_long;
  }

  // Whether it can do something at this time.
  bool has_work() {
    if (gone() || frozen()) return false;
    if (!posted_.empty() || may_go_on() || (at_work() && workers_.any_has_work())) return true;
    for (const ProcessIndex peer : peers_) {
      const auto arrival = all_.network.arrival(own_, peer);
      if (all_.network.has_to_write(own_, peer) || (arrival && *arrival <= now())) return true;
    }
    return stop_due_ && *stop_due_ <= now() && !interrupted_;
  }
  // When it can, if not now.
  std::optional<SteadyTime> next_due() {
    if (gone()) return std::nullopt;
    if (frozen()) return frozen_until_;
    std::optional<SteadyTime> least;
    const auto take = [&](const std::optional<SteadyTime>& due) {
      if (due && *due > now() && (!least || *due < *least)) least = due;
    };
    take(round_due_);
    take(close_due_);
    take(stop_due_);
    if (at_work()) take(workers_.next_due());
    for (const ProcessIndex peer : peers_) take(all_.network.arrival(own_, peer));
    return least;
  }

  void post(WorkerIndex to, channel::Delivery delivery) override {
    const ProcessIndex process(to.value() / all_.workers_per_process);
    if (process == own_) return workers_.post(to, std::move(delivery));
    all_.network.push(own_, process, conversion_.to_message(to, std::move(delivery)));
  }

  // What has come of it, for whoever checks.
  struct Seen {
    // The first failure of each process that it knew of when it settled, its own too.
    std::map<std::uint32_t, transport::Failure> known;
    std::optional<transport::Failure> told;  // its own
    bool told_after_leaving = false;
    bool user_code_failed = false;
    bool left = false;
  };
  const Seen& seen() const { return seen_; }
  bool gone() const { return phase_ == Phase::kGone; }
  ProcessEnd end() const { return end_; }
  const transport::FailureOutcome& outcome() { return facts().outcome; }
  bool in_round() { return facts().failed; }
  bool was_frozen() const { return frozen_until_.has_value(); }
  bool stop_known() const { return stop_due_.has_value(); }
  bool workers_finished() const { return workers_.finished(); }
  worker::Worker& first_worker() { return workers_.at(0); }

 private:
  enum class Phase { kRunning, kLeaving, kSettling, kClosing, kGone };

  SteadyTime now() const { return all_.clock.steady(); }
  const transport::Ends::Facts& facts() { return ends_.update(now()); }
  bool frozen() const { return frozen_until_ && now() < *frozen_until_; }
  bool at_work() const { return phase_ == Phase::kRunning && !early_end_; }

  // --- workers ---

  void step(std::size_t w) {
    try {
      workers_.step(w);
    } catch (const UserCodeError& error) {
      return fail(w, error);
    }
    if (!workers_.at(w).aborted()) return;
    end_for_others();
    tell(transport::FailureKind::kAborted, w, "abort");
  }

  void fail(std::size_t w, const UserCodeError& error) {
    seen_.user_code_failed = true;
    early_end_ = early_end_.value_or(ProcessEnd::kAborted);
    tell(transport::FailureKind::kFailed, w, error.doing);
  }

  void tell(transport::FailureKind kind, std::size_t w, const std::string& message) {
    transport::Failure failure;
    failure.kind = kind;
    failure.message = message;
    failure.process = own_;
    failure.worker = workers_.at(w).index();
    failure.epoch = workers_.at(w).epoch();
    posted_.push_back([this, failure] { report(failure); });
  }

  void report(const transport::Failure& failure) {
    if (!facts().failed) {
      seen_.told = failure;
      seen_.told_after_leaving = seen_.left;
      seen_.known.emplace(own_.value(), failure);
    }
    ends_.fail(failure, now());
  }

  void run_posted() {
    const std::function<void()> work = std::move(posted_.front());
    posted_.pop_front();
    work();
  }

  // --- connections ---

  void use_connection(ProcessIndex peer) {
    if (all_.random.chance(50)) all_.network.write(own_, peer);
    for (;;) {
      const auto arrival = all_.network.arrival(own_, peer);
      if (!arrival || *arrival > now() || all_.random.chance(30)) return;
      SimNetwork::Arrived arrived = all_.network.read(own_, peer);
      for (transport::Message& message : arrived.messages) on_message(peer, std::move(message));
      if (!arrived.end) continue;
      all_.network.close(own_, peer);
      on_closed(peer);
    }
  }

  void on_message(ProcessIndex from, transport::Message message) {
    if (auto* failure = std::get_if<transport::Failure>(&message)) {
      if (!facts().settled) seen_.known.emplace(failure->process.value(), *failure);
      ends_.on_failure(std::move(*failure), now());
    } else if (std::holds_alternative<transport::FailureAck>(message)) {
      ends_.on_ack(from);
    } else if (std::holds_alternative<transport::Done>(message)) {
      ends_.on_done(from);
    } else if (phase_ != Phase::kClosing) {
      deliver(std::move(message));
    }
  }

  void deliver(transport::Message message) {
    auto [to, delivery] = worker::Conversion::to_delivery(std::move(message));
    if (const auto* control = std::get_if<channel::Control>(&delivery)) {
      if (std::holds_alternative<channel::StopRequest>(*control)) {
        on_stop();
        if (to != WorkerIndex(0)) return;
      }
      if (std::holds_alternative<channel::Stop>(*control)) on_stop();
    }
    workers_.post(to, std::move(delivery));
  }

  void on_closed(ProcessIndex peer) {
    const transport::Leaving::Close close = ends_.on_closed(peer);
    if (phase_ == Phase::kClosing || close == transport::Leaving::Close::kLeft) return;
    // P18: a close within the wait for acknowledgements is no failure of its own.
    ENGINE_ASSERT(seen_.known.empty(), own_, peer);
    if (close == transport::Leaving::Close::kAbandoned) {
      early_end_ = early_end_.value_or(ProcessEnd::kAbandoned);
      return;
    }
    transport::Failure failure;
    failure.kind = transport::FailureKind::kLost;
    failure.process = own_;
    failure.message = std::to_string(peer.value());
    posted_.push_back([this, failure] { report(failure); });
    end_for_others();
  }

  // --- ends ---

  void tell_all(const transport::Message& message) override {
    for (const ProcessIndex peer : peers_) all_.network.push(own_, peer, message);
  }
  void on_first_failure(const transport::Failure&) override { end_for_others(); }
  void on_round(SteadyTime deadline) override { round_due_ = deadline; }

  void end_for_others() {
    others_ended_ = true;
    early_end_ = early_end_.value_or(ProcessEnd::kAborted);
  }
  void on_stop() {
    ends_.note_stop();
    if (!stop_due_) stop_due_ = now() + kStopTimeout;
  }
  void abandon() {
    interrupted_ = true;
    early_end_ = early_end_.value_or(ProcessEnd::kAbandoned);
  }

  // Whether the thread of the run need not wait any more.
  bool may_go_on() {
    switch (phase_) {
      case Phase::kRunning:
        return early_end_ || workers_.finished();
      case Phase::kLeaving:
        return transport::Ends::leave_end(facts()) || interrupted_;
      case Phase::kSettling:
        return facts().settled;
      case Phase::kClosing:
        return now() >= *close_due_ || all_closed();
      case Phase::kGone:
        break;
    }
    return false;
  }

  void go_on() {
    switch (phase_) {
      case Phase::kRunning:
        workers_.close([this](std::size_t w, const UserCodeError& error) { fail(w, error); });
        return after_workers();
      case Phase::kLeaving:
        return after_leaving(transport::Ends::leave_end(facts()));
      case Phase::kSettling:
        return begin_close(end_of(facts().outcome.first.kind));
      case Phase::kClosing:
        for (const ProcessIndex peer : peers_) all_.network.close(own_, peer);
        phase_ = Phase::kGone;
        break;
      case Phase::kGone:
        break;
    }
  }

  void after_workers() {
    if (seen_.user_code_failed || others_ended_) {
      phase_ = Phase::kSettling;
    } else if (early_end_ == ProcessEnd::kAbandoned) {
      begin_close(ProcessEnd::kAbandoned);
    } else {
      seen_.left = true;
      ends_.leave();
      phase_ = Phase::kLeaving;
    }
  }

  void after_leaving(std::optional<transport::LeaveEnd> how) {
    if (how == transport::LeaveEnd::kDone) return begin_close(ProcessEnd::kDone);
    if (how == transport::LeaveEnd::kFailed || how == transport::LeaveEnd::kLost) {
      phase_ = Phase::kSettling;
    } else {
      begin_close(ProcessEnd::kAbandoned);
    }
  }

  static ProcessEnd end_of(transport::FailureKind kind) {
    if (kind == transport::FailureKind::kAborted) return ProcessEnd::kAborted;
    return kind == transport::FailureKind::kLost ? ProcessEnd::kLost : ProcessEnd::kFailed;
  }

  void begin_close(ProcessEnd how) {
    while (!posted_.empty()) run_posted();
    end_ = how;
    phase_ = Phase::kClosing;
    close_due_ = now() + kCloseLimit;
    for (const ProcessIndex peer : peers_) all_.network.finish(own_, peer);
  }
  bool all_closed() {
    for (const ProcessIndex peer : peers_) {
      if (all_.network.open(own_, peer)) return false;
    }
    return true;
  }

  const SimSurroundings all_;
  const ProcessIndex own_;
  std::vector<ProcessIndex> peers_;
  worker::Conversion conversion_;
  transport::Ends ends_;
  SimWorkers workers_;
  const unsigned pace_;                       // percent of its turns that it takes
  std::deque<std::function<void()>> posted_;  // to the thread of the network; a few

  Phase phase_ = Phase::kRunning;
  ProcessEnd end_ = ProcessEnd::kNone;
  std::optional<ProcessEnd> early_end_;  // the first reason
  bool others_ended_ = false;
  bool interrupted_ = false;
  std::optional<SteadyTime> stop_due_;
  std::optional<SteadyTime> round_due_;
  std::optional<SteadyTime> close_due_;
  std::optional<SteadyTime> frozen_until_;
  Seen seen_;
};

}  // namespace cppwax::simulation
