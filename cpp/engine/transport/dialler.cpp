#include "engine/transport/dialler.hpp"

#include <algorithm>
#include <utility>

#include "engine/transport/greeting.hpp"
#include "engine/transport/spawn.hpp"
#include "engine/transport/tls.hpp"

namespace cppwax::transport {

namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(20);
constexpr Duration kLongestPause = std::chrono::seconds(1);

}  // namespace

Dialler::Dialler(net::io_context& io, const Proof& proof, Names& names, JoinGate& gate,
                 Target target)
    : io_(io), proof_(proof), names_(names), gate_(gate), target_(std::move(target)), pause_(io) {}

void Dialler::start() {
  spawn(io_, run());
}

void Dialler::stop() {
  open_ = false;
  pause_.cancel();
  sockets_.close_all();
}

Awaitable<void> Dialler::run() {
  for (Duration pause = kFirstPause; open_; pause = std::min(2 * pause, kLongestPause)) {
    const bool over = co_await call();
    if (over || !open_) co_return;
    ErrorCode cancelled;
    pause_.expires_after(pause);
    co_await pause_.async_wait(into(cancelled));
  }
}

Awaitable<bool> Dialler::call() {
  const Names::Resolved resolved = co_await names_.resolve(target_.address);
  if (!resolved.trouble.empty()) trouble_ = "cannot resolve its name: " + resolved.trouble;
  for (const Tcp::endpoint& endpoint : resolved.endpoints) {
    if (!open_) co_return true;
    const bool over = co_await call_at(endpoint);
    if (over) co_return true;
  }
  co_return false;
}

Awaitable<bool> Dialler::call_at(const Tcp::endpoint& endpoint) {
  ErrorCode error;
  Tcp::socket socket = open_socket(io_, endpoint.protocol(), error);
  if (error) {
    trouble_ = error.message();
    co_return false;
  }
  bind(socket, endpoint);
  const bool connected = co_await connect(socket, endpoint);
  if (!connected || !open_) co_return false;
  auto stream = std::make_unique<Stream>(std::move(socket), proof_.tls, proof_.key_bytes);
  const SocketSet::Entry entry(sockets_, 0, stream->socket());
  const Deadline deadline(stream->socket(), proof_.limit);
  co_return co_await greet(stream, deadline);
}

Awaitable<bool> Dialler::connect(Tcp::socket& socket, const Tcp::endpoint& endpoint) {
  const SocketSet::Entry entry(sockets_, 0, socket);
  const Deadline deadline(socket, proof_.limit);
  ErrorCode error;
  co_await socket.async_connect(endpoint, into(error));
  if (error) {
    trouble_ = deadline.passed() ? "no answer" : error.message();
    co_return false;
  }
  ErrorCode gone;
  // Where nobody listens, the system may connect a socket with itself.
  const bool itself = socket.local_endpoint(gone) == socket.remote_endpoint(gone);
  if (itself) socket.close(gone);
  co_return !itself;
}

// A host with several addresses calls from the one that the list knows it by.
void Dialler::bind(Tcp::socket& socket, const Tcp::endpoint& endpoint) {
  for (const net::ip::address& address : from_) {
    const bool fits = address.is_v4() == endpoint.address().is_v4() && !address.is_unspecified() &&
                      address.is_loopback() == endpoint.address().is_loopback();
    ErrorCode in_vain;
    if (fits) socket.bind({address, 0}, in_vain);
    if (fits && !in_vain) return;
  }
}

Awaitable<bool> Dialler::greet(std::unique_ptr<Stream>& stream, const Deadline& deadline) {
  ErrorCode error;
  if (stream->is_tls()) {
    const bool by_name = std::holds_alternative<Certificates>(proof_.security);
    const std::string name = by_name ? target_.address.host : std::string();
    co_await stream->handshake(Stream::Handshake::client, name, error);
    if (deadline.passed()) co_return complain("does not answer the TLS handshake");
    if (error || !stream->proved()) {
      co_return complain(describe_handshake_failure(error, proof_.security));
    }
  }
  Roster& roster = gate_.roster();
  const Hello mine = roster.greeting(target_.process);
  co_await write_hello(*stream, mine, error);
  const std::variant<Hello, Unheard> heard = co_await read_hello(*stream);
  if (deadline.passed()) co_return complain("does not answer the hello");
  if (const auto* unheard = std::get_if<Unheard>(&heard)) co_return complain(unheard->why);
  if (!open_) co_return true;
  const Hello& hello = std::get<Hello>(heard);
  const Roster::Reply reply = roster.read_answer(target_.process, hello);
  switch (reply.meaning) {
    case Roster::Reply::Meaning::kAgain:
      trouble_ = reply.text;
      co_return false;
    case Roster::Reply::Meaning::kFail:
      gate_.on_refused(reply.text);
      co_return true;
    case Roster::Reply::Meaning::kJoined:
      break;
  }
  co_await write_confirmation(*stream, error);
  if (error || deadline.passed() || !open_) co_return false;
  gate_.on_joined(target_.process, std::move(stream), hello);
  co_return true;
}

bool Dialler::complain(const std::string& why) {
  trouble_ = why;
  if (open_) gate_.warn_once(gate_.roster().name(target_.process) + " " + why);
  return false;
}

}  // namespace cppwax::transport
