#include "support/raw_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <thread>

#include "engine/base/error.hpp"
#include "engine/transport/address.hpp"
#include "engine/transport/frame.hpp"

namespace cppwax::test {

namespace {

sockaddr_in numbers_of(const std::string& text, bool with_port = true) {
  const transport::Address address = transport::parse_address(text);
  sockaddr_in numbers{};
  numbers.sin_family = AF_INET;
  numbers.sin_port = with_port ? htons(address.port) : in_port_t{0};
  ENGINE_ASSERT(::inet_pton(AF_INET, address.host.c_str(), &numbers.sin_addr) == 1, text);
  return numbers;
}

int new_socket() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ENGINE_ASSERT(descriptor >= 0, errno);
  return descriptor;
}

bool bind_to(int descriptor, const sockaddr_in& numbers) {
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return ::bind(descriptor, reinterpret_cast<const sockaddr*>(&numbers), sizeof numbers) == 0;
}

}  // namespace

WireBytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

RawSocket RawSocket::connect(const std::string& to, const std::optional<std::string>& from) {
  const sockaddr_in numbers = numbers_of(to);
  for (;;) {
    RawSocket socket(new_socket());
    if (from) ENGINE_ASSERT(bind_to(socket.descriptor_, numbers_of(*from, false)), *from);
    const int done =
        ::connect(socket.descriptor_, reinterpret_cast<const sockaddr*>(&numbers), sizeof numbers);
    if (done == 0) return socket;
    ENGINE_ASSERT(errno == ECONNREFUSED, errno, to);
    std::this_thread::yield();
  }
}

void RawSocket::send(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

WireBytes RawSocket::receive_some(std::size_t most) {
  WireBytes bytes(most);
  const ssize_t got = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

WireBytes RawSocket::receive(std::size_t size) {
  WireBytes all;
  while (all.size() < size) {
    const WireBytes some = receive_some(size - all.size());
    if (some.empty()) break;
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

WireBytes RawSocket::receive_to_the_end() {
  WireBytes all;
  for (;;) {
    const WireBytes some = receive_some(65'536);
    if (some.empty()) return all;
    all.insert(all.end(), some.begin(), some.end());
  }
}

void RawSocket::end_sending() {
  ::shutdown(descriptor_, SHUT_WR);
}

void RawSocket::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

RawListener::RawListener(const std::string& address) : socket_(new_socket()) {
  ENGINE_ASSERT(bind_to(socket_.descriptor(), numbers_of(address)), address);
  ENGINE_ASSERT(::listen(socket_.descriptor(), 16) == 0, address);
}

RawSocket RawListener::accept() {
  return RawSocket(::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
}

bool is_free(const std::string& address) {
  const RawSocket socket(new_socket());
  return bind_to(socket.descriptor(), numbers_of(address)) && ::listen(socket.descriptor(), 1) == 0;
}

transport::Hello hello_from(const transport::ClusterSettings& settings, std::uint32_t process,
                            std::uint32_t to) {
  transport::Hello hello;
  hello.facts = settings.facts;
  hello.facts.process_count = static_cast<std::uint32_t>(settings.addresses.size());
  hello.facts.peer_timeout_ms = 600'000;
  hello.role = process > to ? transport::Role::kDialler : transport::Role::kListener;
  hello.dialler = ProcessIndex(std::max(process, to));
  hello.listener = ProcessIndex(std::min(process, to));
  return hello;
}

transport::Hello read_hello(RawSocket& socket) {
  const WireBytes start = socket.receive(transport::HelloPrefix::kBytes);
  if (start.size() < transport::HelloPrefix::kBytes) throw std::runtime_error("no hello");
  const auto prefix = std::get<transport::HelloPrefix>(transport::HelloPrefix::read(start));
  return std::get<transport::Hello>(
      transport::read_hello_body(prefix, socket.receive(prefix.body_bytes)));
}

RawSocket join_by_hand(const transport::ClusterSettings& of_zero) {
  RawSocket socket = RawSocket::connect(of_zero.addresses[0], of_zero.addresses[1]);
  socket.send(hello_from(of_zero, 1, 0).write());
  ENGINE_ASSERT(read_hello(socket).verdict == transport::Verdict::kJoin);
  socket.send(frame_of(transport::Heartbeat{}));
  return socket;
}

WireBytes frame_of(const transport::Message& message) {
  WireBytes bytes;
  transport::write_frame(bytes, message);
  return bytes;
}

}  // namespace cppwax::test
