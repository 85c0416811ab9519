#include "engine/transport/listener.hpp"

#include <array>
#include <optional>

#include "engine/base/error.hpp"
#include "engine/transport/greeting.hpp"
#include "engine/transport/spawn.hpp"
#include "engine/transport/tls.hpp"

namespace cppwax::transport {

namespace {

std::string host_of(const Tcp::socket& socket) {
  ErrorCode unknown;
  return plain_address(socket.remote_endpoint(unknown).address()).to_string();
}

}  // namespace

Listener::Listener(net::io_context& io, const Proof& proof, Names& names, JoinGate& gate)
    : io_(io), proof_(proof), names_(names), gate_(gate), pause_(io) {}

void Listener::listen(const std::string& entry, const std::vector<Tcp::endpoint>& endpoints) {
  ErrorCode error;
  for (const Tcp::endpoint& endpoint : endpoints) {
    auto acceptor = std::make_unique<Tcp::acceptor>(open_acceptor(io_, endpoint, error));
    if (!error) acceptors_.push_back(std::move(acceptor));
    if (error == net::error::address_in_use) {
      throw ConfigError("cannot listen on " + entry +
                        ": the address is in use: does another "
                        "process with the same index (-i) run, or one of an earlier start?");
    }
  }
  if (!acceptors_.empty()) return;
  throw ConfigError("cannot listen on " + entry + " (" + error.message() +
                    "): it must be an address of this machine; where the list has to say "
                    "another, name a local one with --bind");
}

void Listener::start() {
  for (const auto& acceptor : acceptors_) spawn(io_, accept(*acceptor));
}

void Listener::stop() {
  open_ = false;
  ErrorCode ignored;
  for (const auto& acceptor : acceptors_) acceptor->close(ignored);
  pause_.cancel();
  pending_.close_all();
}

Awaitable<void> Listener::accept(Tcp::acceptor& acceptor) {
  while (open_) {
    ErrorCode error;
    co_await acceptor.async_wait(Tcp::acceptor::wait_read, into(error));
    if (error || !open_) co_return;
    Tcp::socket socket = accept_socket(io_, acceptor, error);
    if (!error) {
      admit(std::move(socket));
    } else if (error != net::error::would_block && error != net::error::connection_aborted &&
               error != net::error::interrupted) {
      // No descriptors, say: the connection stays at the acceptor and would wake us at once.
      gate_.warn_once("cannot take connections: " + error.message());
      co_await wait_for_descriptors();
    }
  }
}

Awaitable<void> Listener::wait_for_descriptors() {
  ErrorCode cancelled;
  pause_.expires_after(std::chrono::milliseconds(100));
  co_await pause_.async_wait(into(cancelled));
}

void Listener::admit(Tcp::socket socket) {
  ErrorCode gone;
  const Tcp::endpoint from = socket.remote_endpoint(gone);
  if (gone) return;
  const PendingSlots::Admission admission =
      slots_.admit(names_.listed(plain_address(from.address())));
  if (admission.dropped) pending_.close(*admission.dropped);
  spawn(io_, meet(std::move(socket), admission.ticket));
}

// From the first byte to a decision, within the limit.
Awaitable<void> Listener::meet(Tcp::socket socket, PendingSlots::Ticket ticket) {
  const std::string where = host_of(socket);
  auto stream = std::make_unique<Stream>(std::move(socket), proof_.tls, proof_.key_bytes);
  {
    const SocketSet::Entry entry(pending_, ticket, stream->socket());
    const Deadline deadline(stream->socket(), proof_.limit);
    const bool proved = co_await prove(*stream, where, deadline);
    if (proved) co_await decide(stream, where, deadline, ticket);
  }
  slots_.release(ticket);
}

Awaitable<bool> Listener::prove(Stream& stream, const std::string& where,
                                const Deadline& deadline) {
  std::array<std::byte, 1> first{};
  ErrorCode error;
  co_await stream.socket().async_receive(net::buffer(first), Tcp::socket::message_peek,
                                         into(error));
  if (error) co_return false;
  if ((first[0] == kTlsFirstByte) != stream.is_tls()) {
    gate_.warn_once(where + " was refused: it " +
                    (stream.is_tls() ? "does not speak TLS" : "speaks TLS") +
                    ": one process has a cluster secret or certificates, the other has none "
                    "(or it is a stranger)");
    co_await send_line(stream);
    co_return false;
  }
  if (!stream.is_tls()) co_return co_await is_listed(stream, where);
  const std::string any_name;
  co_await stream.handshake(Stream::Handshake::server, any_name, error);
  if (!error && stream.proved()) co_return true;
  if (deadline.passed() || !open_) co_return false;
  gate_.warn_once(where + " was refused: it " + describe_handshake_failure(error, proof_.security));
  // The alert must arrive.
  co_await stream.finish();
  co_return false;
}

// Under TLS that matters for a place among the pending ones only. Looks again and again, since the
// wait has to end with the connection too, whoever closes that: a lookup may hang for long, and who
// waits for it must not outlive its place.
Awaitable<bool> Listener::is_listed(Stream& stream, const std::string& where) {
  const net::ip::address address = net::ip::make_address(where);
  if (!names_.listed(address)) names_.refresh();
  net::steady_timer pause(io_);
  while (!names_.listed(address) && names_.refreshing() && stream.socket().is_open()) {
    ErrorCode cancelled;
    pause.expires_after(std::chrono::milliseconds(10));
    co_await pause.async_wait(into(cancelled));
  }
  if (names_.listed(address)) co_return true;
  if (!open_) co_return false;
  const std::string more =
      names_.refreshing() ? " so far, and names are still being looked up" : "";
  gate_.warn_once(where + " was refused: no entry of the address list resolves to it" + more +
                  "; correct the list, or give all processes a cluster secret " +
                  "(CPPWAX_CLUSTER_SECRET)");
  co_return false;
}

Awaitable<void> Listener::send_line(Stream& stream) {
  const std::string line = refusal_line(proof_.security);
  ErrorCode ignored;
  co_await net::async_write(stream.socket(), net::buffer(line), into(ignored));
  co_await stream.finish();
}

Awaitable<void> Listener::decide(std::unique_ptr<Stream>& stream, const std::string& where,
                                 const Deadline& deadline, PendingSlots::Ticket ticket) {
  const std::variant<Hello, Unheard> heard = co_await read_hello(*stream);
  if (const auto* unheard = std::get_if<Unheard>(&heard)) {
    if (!deadline.passed() && open_) {
      gate_.warn_once(where + " was refused: it " + unheard->why);
    }
    co_return;
  }
  const Hello& hello = std::get<Hello>(heard);
  const Roster::Answer answer = gate_.roster().answer(hello, where);
  if (answer.reaction == Roster::Reaction::kDrop) {
    gate_.warn_once(where + " was refused: " + answer.text);
    co_return;
  }
  // Who is told that it may join must not be dropped for a newcomer between that and its word: it
  // would take itself for a member.
  if (answer.reaction == Roster::Reaction::kJoin) slots_.release(ticket);
  ErrorCode error;
  co_await write_hello(*stream, answer.hello, error);
  if (answer.reaction == Roster::Reaction::kJoin) {
    const bool confirmed = co_await read_confirmation(*stream);
    // Its last word may have been read just before the limit closed its socket.
    const bool in_time = confirmed && !deadline.passed();
    if (in_time && open_) gate_.on_joined(hello.dialler, std::move(stream), hello);
    co_return;
  }
  gate_.warn_once(answer.reaction == Roster::Reaction::kRefuse ? answer.text : "");
  co_await stream->finish();
  if (answer.reaction == Roster::Reaction::kFail && open_) gate_.on_refused(answer.text);
}

}  // namespace cppwax::transport
