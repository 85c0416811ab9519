// Brings the processes of a cluster together: listens, calls, reports whom it waits for
// (docs/progress_and_snapshots.md P12).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/transport/admission.hpp"
#include "engine/transport/cluster.hpp"
#include "engine/transport/dialler.hpp"
#include "engine/transport/join_gate.hpp"
#include "engine/transport/listener.hpp"
#include "engine/transport/names.hpp"

namespace cppwax::transport {

// What forming comes to. On the I/O thread.
class FormingEvents {
 public:
  virtual ~FormingEvents() = default;
  virtual void on_peer(ProcessIndex process, std::unique_ptr<Stream> stream,
                       const Hello& theirs) = 0;
  // Once, one of these, unless it is stopped before.
  virtual void on_formed() = 0;
  virtual void on_not_formed(const std::string& why) = 0;
  virtual void on_forming_warning(const std::string& text) = 0;
};

// Used by the I/O thread. Invariant: it never ends because of a stranger.
class Forming final : private JoinGate {
 public:
  // All references outlive it, and it outlives its coroutines.
  // Errors: ConfigError (addresses, secret, certificates).
  Forming(net::io_context& io, const ClusterSettings& settings, const Clock& clock,
          FormingEvents& events);

  void start();
  // Also the listener, which stays for those that come late. Nothing starts after it.
  void stop();

  std::string name(ProcessIndex process) const { return roster_.name(process); }

 private:
  Roster& roster() override { return roster_; }
  void on_joined(ProcessIndex process, std::unique_ptr<Stream> stream,
                 const Hello& theirs) override;
  void on_refused(const std::string& text) override;
  void warn_once(const std::string& text) override;

  Awaitable<void> begin();
  Awaitable<bool> listen();
  Awaitable<void> report();
  void dial(ProcessIndex process);
  void give_up();
  // "process 1 at host:port", for each that is awaited, and what is known of why.
  std::vector<std::string> awaited(const std::string& between) const;
  Duration waited() const { return clock_.steady() - started_; }

  net::io_context& io_;
  const Timing timing_;
  const Clock& clock_;
  FormingEvents& events_;
  const std::vector<Address> addresses_;
  const Address bind_;
  const Proof proof_;
  Roster roster_;
  Names names_;
  Listener listener_;
  std::vector<std::unique_ptr<Dialler>> diallers_;
  std::vector<net::ip::address> local_;  // where it listens
  net::steady_timer pause_;
  net::steady_timer report_;
  OnceFilter warned_;
  SteadyTime started_{};
  std::string own_trouble_;  // why it does not listen yet
  bool over_ = false;        // formed, not formed, or stopped
};

}  // namespace cppwax::transport
