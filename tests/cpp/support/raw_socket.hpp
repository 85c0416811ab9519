// Blocking sockets that do what no process of a cluster would, and a peer that speaks the protocol
// by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/transport/cluster.hpp"
#include "engine/transport/hello.hpp"
#include "engine/transport/wire.hpp"

namespace cppwax::test {

using transport::WireBytes;

WireBytes bytes_of(std::string_view text);

// Belongs to one thread. What the network refuses reads as the end.
class RawSocket {
 public:
  explicit RawSocket(int descriptor) : descriptor_(descriptor) {}
  RawSocket(RawSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  RawSocket& operator=(RawSocket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~RawSocket() { close(); }

  // Of numbers, "127.0.0.1:2101". `from`: the address to call from. Tries again while nobody
  // listens there.
  static RawSocket connect(const std::string& to, const std::optional<std::string>& from = {});

  void send(std::span<const std::byte> bytes);
  void send(std::string_view text) { send(bytes_of(text)); }
  // Less only at the end.
  WireBytes receive(std::size_t size);
  // What there is, at least a byte; nothing at the end.
  WireBytes receive_some(std::size_t most);
  WireBytes receive_to_the_end();
  void end_sending();
  void close();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// Listens on an address of numbers.
class RawListener {
 public:
  explicit RawListener(const std::string& address);
  RawSocket accept();

 private:
  RawSocket socket_;
};

// Whether nobody has the address, nor had it a moment ago.
bool is_free(const std::string& address);

// What process `process` would say to process `to`, going by the settings of a node.
transport::Hello hello_from(const transport::ClusterSettings& settings, std::uint32_t process,
                            std::uint32_t to);
transport::Hello read_hello(RawSocket& socket);

// Calls process 0 of a cluster of listed addresses from the address of process 1, and joins.
RawSocket join_by_hand(const transport::ClusterSettings& of_zero);

WireBytes frame_of(const transport::Message& message);

}  // namespace cppwax::test
