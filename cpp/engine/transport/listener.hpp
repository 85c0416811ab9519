// Takes connections and finds out who may join. Strangers are dropped by themselves and can neither
// end, stall nor grow the process.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/transport/admission.hpp"
#include "engine/transport/asio.hpp"
#include "engine/transport/join_gate.hpp"
#include "engine/transport/names.hpp"
#include "engine/transport/security.hpp"
#include "engine/transport/sockets.hpp"

namespace cppwax::transport {

// How this process proves itself, and for how long it waits for others to.
struct Proof {
  Security security;
  std::shared_ptr<net::ssl::context> tls;
  std::uint64_t key_bytes;
  Duration limit;
};

// Used by the I/O thread. Invariant: at most PendingSlots' limit of connections wait, none longer
// than `Proof::limit`, each with one small hello.
class Listener {
 public:
  // All references outlive it, and it outlives its coroutines.
  Listener(net::io_context& io, const Proof& proof, Names& names, JoinGate& gate);

  // Errors: ConfigError that names what cannot be listened on. REQUIRES: before `start`.
  void listen(const std::string& entry, const std::vector<Tcp::endpoint>& endpoints);
  void start();
  void stop();

 private:
  Awaitable<void> accept(Tcp::acceptor& acceptor);
  Awaitable<void> wait_for_descriptors();
  void admit(Tcp::socket socket);
  Awaitable<void> meet(Tcp::socket socket, PendingSlots::Ticket ticket);
  Awaitable<bool> prove(Stream& stream, const std::string& where, const Deadline& deadline);
  Awaitable<bool> is_listed(Stream& stream, const std::string& where);
  Awaitable<void> send_line(Stream& stream);
  Awaitable<void> decide(std::unique_ptr<Stream>& stream, const std::string& where,
                         const Deadline& deadline, PendingSlots::Ticket ticket);

  net::io_context& io_;
  const Proof& proof_;
  Names& names_;
  JoinGate& gate_;
  std::vector<std::unique_ptr<Tcp::acceptor>> acceptors_;
  net::steady_timer pause_;
  PendingSlots slots_;
  SocketSet pending_;
  bool open_ = true;
};

}  // namespace cppwax::transport
