#include "engine/transport/stream.hpp"

#include <array>

#include "engine/transport/tls.hpp"

namespace cppwax::transport {

Stream::Stream(Tcp::socket socket, std::shared_ptr<net::ssl::context> tls, std::uint64_t key_bytes)
    : context_(std::move(tls)), key_bytes_(key_bytes) {
  ErrorCode ignored;
  // Credit and control are small and must not wait for more to send.
  socket.set_option(Tcp::no_delay(true), ignored);
  if (context_) {
    tls_.emplace(std::move(socket), *context_);
  } else {
    plain_.emplace(std::move(socket));
  }
}

Awaitable<void> Stream::handshake(Handshake role, const std::string& host, ErrorCode& error) {
  if (!host.empty()) {
    tls_->set_verify_callback(net::ssl::host_name_verification(host), error);
    if (error) co_return;
    ErrorCode number;
    net::ip::make_address(host, number);
    // A number is no server name (RFC 6066).
    if (number) SSL_set_tlsext_host_name(tls_->native_handle(), host.c_str());
  }
  co_await tls_->async_handshake(role, into(error));
}

bool Stream::proved() {
  return peer_is_proved(tls_->native_handle());
}

Awaitable<std::size_t> Stream::read_some(std::span<std::byte> into_bytes, ErrorCode& error) {
  const auto buffer = net::buffer(into_bytes.data(), into_bytes.size());
  if (tls_) co_return co_await tls_->async_read_some(buffer, into(error));
  co_return co_await plain_->async_read_some(buffer, into(error));
}

Awaitable<void> Stream::read(std::span<std::byte> into_bytes, ErrorCode& error) {
  while (!into_bytes.empty()) {
    const std::size_t size = co_await read_some(into_bytes, error);
    if (error) co_return;
    into_bytes = into_bytes.subspan(size);
  }
}

Awaitable<void> Stream::write(std::span<const std::byte> bytes, ErrorCode& error) {
  const std::vector<std::span<const std::byte>> pieces{bytes};
  co_await write(pieces, error);
}

Awaitable<void> Stream::write(const std::vector<std::span<const std::byte>>& pieces,
                              ErrorCode& error) {
  if (tls_) {
    for (const std::span<const std::byte> piece : pieces) {
      count_for_key(piece.size());
      co_await net::async_write(*tls_, net::buffer(piece.data(), piece.size()), into(error));
      if (error) co_return;
    }
    co_return;
  }
  std::vector<net::const_buffer> buffers;
  buffers.reserve(pieces.size());
  for (const std::span<const std::byte> piece : pieces) {
    buffers.emplace_back(piece.data(), piece.size());
  }
  co_await net::async_write(*plain_, buffers, into(error));
}

// Between two writes, as OpenSSL wants it: the new key goes before the next record.
void Stream::count_for_key(std::size_t size) {
  written_ += size;
  if (written_ < key_bytes_) return;
  SSL_key_update(tls_->native_handle(), SSL_KEY_UPDATE_NOT_REQUESTED);
  written_ = size;
}

Awaitable<void> Stream::finish() {
  ErrorCode error;
  socket().shutdown(Tcp::socket::shutdown_send, error);
  std::array<std::byte, 4096> rest;
  while (!error) {
    co_await socket().async_read_some(net::buffer(rest.data(), rest.size()), into(error));
  }
}

void Stream::close() {
  ErrorCode ignored;
  socket().close(ignored);
}

Deadline::Deadline(Tcp::socket& socket, Duration limit)
    : socket_(std::make_shared<Tcp::socket*>(&socket)),
      passed_(std::make_shared<bool>(false)),
      timer_(socket.get_executor(), limit) {
  timer_.async_wait([socket = socket_, passed = passed_](const ErrorCode& error) {
    if (error || *socket == nullptr) return;
    *passed = true;
    ErrorCode ignored;
    (*socket)->close(ignored);
  });
}

}  // namespace cppwax::transport
