// Sockets that are not handed on to programs that this process starts.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "engine/transport/asio.hpp"

namespace cppwax::transport {

// Errors: through `error`; the socket is closed then.
Tcp::socket open_socket(net::io_context& io, const Tcp& protocol, ErrorCode& error);
// An acceptor on `endpoint` that listens.
Tcp::acceptor open_acceptor(net::io_context& io, const Tcp::endpoint& endpoint, ErrorCode& error);
// One that waits at the acceptor; would_block if none.
Tcp::socket accept_socket(net::io_context& io, Tcp::acceptor& acceptor, ErrorCode& error);

// "10.0.0.1:80", "[::1]:80"
std::string text_of(const Tcp::endpoint& endpoint);
// IPv4 that came in by an IPv6 socket, as IPv4.
net::ip::address plain_address(const net::ip::address& address);

// Sockets that may have to be closed from outside of the coroutine that uses them. Belongs to one
// thread.
class SocketSet {
 public:
  using Id = std::uint64_t;

  class Entry {
   public:
    Entry(SocketSet& set, Id id, Tcp::socket& socket) : set_(set), id_(id) {
      set_.sockets_[id_] = &socket;
    }
    ~Entry() { set_.sockets_.erase(id_); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    SocketSet& set_;
    const Id id_;
  };

  void close(Id id);
  void close_all();

 private:
  std::map<Id, Tcp::socket*> sockets_;
};

}  // namespace cppwax::transport
