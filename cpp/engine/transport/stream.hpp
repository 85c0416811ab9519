// A socket to one other process, plain or under TLS.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/transport/asio.hpp"

namespace cppwax::transport {

// Used by the I/O thread. One read and one write at a time; `close` ends both with an error.
// Coroutines end before the stream dies.
class Stream {
 public:
  using Handshake = net::ssl::stream_base::handshake_type;
  // Of one key; TLS_AES_128_GCM may protect a few hundred times as many.
  static constexpr std::uint64_t kKeyBytes = std::uint64_t{64} << 30;

  // `tls` null: plain.
  Stream(Tcp::socket socket, std::shared_ptr<net::ssl::context> tls,
         std::uint64_t key_bytes = kKeyBytes);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  bool is_tls() const { return tls_.has_value(); }
  // `host`: the name that the peer's certificate must have; empty: any. REQUIRES: TLS.
  Awaitable<void> handshake(Handshake role, const std::string& host, ErrorCode& error);
  bool proved();

  Awaitable<std::size_t> read_some(std::span<std::byte> into_bytes, ErrorCode& error);
  Awaitable<void> read(std::span<std::byte> into_bytes, ErrorCode& error);
  Awaitable<void> write(std::span<const std::byte> bytes, ErrorCode& error);
  // REQUIRES: the pieces stay until it is done.
  Awaitable<void> write(const std::vector<std::span<const std::byte>>& pieces, ErrorCode& error);

  // Says that nothing more will be sent, and takes in what still comes until the peer says the same
  // or fails: closing with bytes unread would make the system throw away what was sent.
  Awaitable<void> finish();

  Tcp::socket& socket() { return tls_ ? tls_->next_layer() : *plain_; }
  void close();

 private:
  void count_for_key(std::size_t size);

  std::optional<Tcp::socket> plain_;
  std::shared_ptr<net::ssl::context> context_;
  std::optional<net::ssl::stream<Tcp::socket>> tls_;
  const std::uint64_t key_bytes_;
  std::uint64_t written_ = 0;  // under the present key
};

// Closes a socket unless destroyed in time. The shared flag outlives a timer handler that is
// already queued. Used by the I/O thread.
class Deadline {
 public:
  Deadline(Tcp::socket& socket, Duration limit);
  ~Deadline() { *socket_ = nullptr; }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  bool passed() const { return *passed_; }

 private:
  std::shared_ptr<Tcp::socket*> socket_;
  std::shared_ptr<bool> passed_;
  net::steady_timer timer_;
};

}  // namespace cppwax::transport
