// Calls one process until it has joined, from either start order.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/transport/address.hpp"
#include "engine/transport/asio.hpp"
#include "engine/transport/join_gate.hpp"
#include "engine/transport/listener.hpp"
#include "engine/transport/names.hpp"
#include "engine/transport/sockets.hpp"

namespace cppwax::transport {

// Used by the I/O thread.
class Dialler {
 public:
  struct Target {
    ProcessIndex process;
    Address address;
  };

  // All references outlive it, and it outlives its coroutine. `from`: the local address to call
  // from, where the listener knows peers by their address.
  Dialler(net::io_context& io, const Proof& proof, Names& names, JoinGate& gate, Target target);

  void call_from(std::vector<net::ip::address> addresses) { from_ = std::move(addresses); }
  void start();
  void stop();

  ProcessIndex process() const { return target_.process; }
  // Why the last call did not lead anywhere; empty: no call has ended yet.
  const std::string& trouble() const { return trouble_; }

 private:
  Awaitable<void> run();
  // Whether no further call is needed.
  Awaitable<bool> call();
  Awaitable<bool> call_at(const Tcp::endpoint& endpoint);
  Awaitable<bool> connect(Tcp::socket& socket, const Tcp::endpoint& endpoint);
  Awaitable<bool> greet(std::unique_ptr<Stream>& stream, const Deadline& deadline);
  void bind(Tcp::socket& socket, const Tcp::endpoint& endpoint);
  // A trouble that waiting will not mend is worth a line of its own.
  bool complain(const std::string& why);

  net::io_context& io_;
  const Proof& proof_;
  Names& names_;
  JoinGate& gate_;
  const Target target_;
  std::vector<net::ip::address> from_;
  net::steady_timer pause_;
  SocketSet sockets_;
  std::string trouble_;
  bool open_ = true;
};

}  // namespace cppwax::transport
