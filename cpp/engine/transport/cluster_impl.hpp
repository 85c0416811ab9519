// The inside of `Cluster`: the I/O thread, and what happens on it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/await.hpp"
#include "engine/base/guarded.hpp"
#include "engine/transport/asio.hpp"
#include "engine/transport/cluster.hpp"
#include "engine/transport/connection.hpp"
#include "engine/transport/ends.hpp"
#include "engine/transport/forming.hpp"
#include "engine/transport/reports.hpp"

namespace cppwax::transport {

// What the calling threads wait for. Thread-safe; set by the I/O thread; `interrupted` by others
// too.
class Milestones {
 public:
  struct Facts {
    bool formed = false;
    std::optional<std::string> not_formed;
    Ends::Facts ends;
    bool interrupted = false;
    std::size_t rounds = 0;  // of reports, that are complete
  };

  template <class Change>
  void note(Change&& change) {
    {
      const std::lock_guard lock(mutex_);
      std::forward<Change>(change)(facts_);
    }
    changed_.notify_all();
  }
  template <class Condition>
  Facts wait(Condition&& reached) {
    std::unique_lock lock(mutex_);
    await(changed_, lock, [&] { return reached(facts_); });
    return facts_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Facts facts_;
};

// Methods are called on the I/O thread but where they say otherwise.
class Cluster::Impl final : private FormingEvents, private ConnectionEvents, private EndsEvents {
 public:
  Impl(ClusterSettings settings, Handler& handler, const Clock& clock);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // --- called by other threads ---
  void start_thread();
  void stop_thread();
  template <class Work>
  void post(Work work) {
    net::post(io_, std::move(work));
  }
  void send(ProcessIndex to, Message message);
  Milestones& milestones() { return milestones_; }
  std::optional<ReportRound> next_round();
  const ClusterSettings& settings() const { return settings_; }

  // --- posted ---
  void begin_forming() { forming_.start(); }
  void hand_on();
  void report(const Report& own);
  void fail(Failure failure);
  void leave();
  void tell_stop(int signal);
  void note_stop() { ends_.note_stop(); }

 private:
  void on_peer(ProcessIndex process, std::unique_ptr<Stream> stream, const Hello& theirs) override;
  void on_formed() override;
  void on_not_formed(const std::string& why) override;
  void on_forming_warning(const std::string& text) override { handler_.on_warning(text); }
  void on_message(ProcessIndex from, Message message) override;
  void on_closed(ProcessIndex peer, const std::string& why) override;
  void tell_all(const Message& message) override;
  void on_first_failure(const Failure& failure) override { handler_.on_failure(failure); }
  void on_round(SteadyTime deadline) override;

  void run() noexcept;
  void drain_outbox();
  // What this process tells of a cluster that cannot be, or go on.
  Failure lost(const std::string& why) const;
  void on_failure(Failure failure);
  void add_report(ProcessIndex from, Report report);
  void check_ends();
  void deliver(ProcessIndex from, Message message);
  Awaitable<void> watch_round();
  Awaitable<void> watch_peers();
  void check_peer(ProcessIndex process, Connection& connection);
  void begin_close();
  Awaitable<void> end_close();
  void end_if_closed();

  const ClusterSettings settings_;
  Handler& handler_;
  const Clock& clock_;
  Milestones milestones_;
  // What limits it: as SendQueue, to which it is emptied at once.
  Guarded<std::vector<std::pair<ProcessIndex, Message>>> outbox_;

  net::io_context io_{1};
  std::optional<net::executor_work_guard<net::io_context::executor_type>> work_;
  std::map<ProcessIndex, std::unique_ptr<Connection>> connections_;
  Forming forming_;
  Ends ends_;
  Reports reports_;
  Guarded<std::deque<ReportRound>> rounds_;  // complete, for `next_round`
  std::size_t rounds_taken_ = 0;             // by the thread that calls it
  net::steady_timer round_timer_;
  net::steady_timer peer_timer_;
  net::steady_timer close_timer_;
  bool formed_ = false;
  bool not_formed_ = false;
  bool started_ = false;
  bool closing_ = false;
  // Came before `start`. What limits it: the credit of the peers' workers.
  std::vector<std::pair<ProcessIndex, Message>> early_;
  std::thread thread_;
};

}  // namespace cppwax::transport
