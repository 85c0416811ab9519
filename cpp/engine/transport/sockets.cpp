#include "engine/transport/sockets.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

namespace cppwax::transport {

namespace {

ErrorCode last_error() {
  return {errno, net::error::get_system_category()};
}

#ifdef SOCK_CLOEXEC
int native_socket(int family, int type, int protocol) {
  return ::socket(family, type | SOCK_CLOEXEC, protocol);
}
int native_accept(int acceptor) {
  return ::accept4(acceptor, nullptr, nullptr, SOCK_CLOEXEC);
}
#else
int close_on_exec(int descriptor) {
  if (descriptor >= 0) ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return descriptor;
}
int native_socket(int family, int type, int protocol) {
  return close_on_exec(::socket(family, type, protocol));
}
int native_accept(int acceptor) {
  return close_on_exec(::accept(acceptor, nullptr, nullptr));
}
#endif

}  // namespace

Tcp::socket open_socket(net::io_context& io, const Tcp& protocol, ErrorCode& error) {
  Tcp::socket socket(io);
  const int descriptor = native_socket(protocol.family(), protocol.type(), protocol.protocol());
  error = descriptor < 0 ? last_error() : ErrorCode();
  if (!error) socket.assign(protocol, descriptor, error);
  return socket;
}

Tcp::acceptor open_acceptor(net::io_context& io, const Tcp::endpoint& endpoint, ErrorCode& error) {
  Tcp::acceptor acceptor(io);
  const Tcp protocol = endpoint.protocol();
  const int descriptor = native_socket(protocol.family(), protocol.type(), protocol.protocol());
  error = descriptor < 0 ? last_error() : ErrorCode();
  if (!error) acceptor.assign(protocol, descriptor, error);
  if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) {
    // "::" listens for both; a single IPv6 address for itself.
    acceptor.set_option(net::ip::v6_only(!endpoint.address().is_unspecified()), error);
  }
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(net::socket_base::max_listen_connections, error);
  if (!error) acceptor.non_blocking(true, error);
  return acceptor;
}

Tcp::socket accept_socket(net::io_context& io, Tcp::acceptor& acceptor, ErrorCode& error) {
  Tcp::socket socket(io);
  const int descriptor = native_accept(acceptor.native_handle());
  error = descriptor < 0 ? last_error() : ErrorCode();
  if (error) return socket;
  ErrorCode unknown;
  socket.assign(acceptor.local_endpoint(unknown).protocol(), descriptor, error);
  return socket;
}

std::string text_of(const Tcp::endpoint& endpoint) {
  const net::ip::address address = plain_address(endpoint.address());
  const std::string host = address.to_string();
  return (address.is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

net::ip::address plain_address(const net::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6());
}

void SocketSet::close(Id id) {
  const auto found = sockets_.find(id);
  ErrorCode ignored;
  if (found != sockets_.end()) found->second->close(ignored);
}

void SocketSet::close_all() {
  ErrorCode ignored;
  for (const auto& [id, socket] : sockets_) socket->close(ignored);
}

}  // namespace cppwax::transport
