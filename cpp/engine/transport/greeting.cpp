#include "engine/transport/greeting.hpp"

#include <algorithm>
#include <array>

#include "engine/transport/frame.hpp"

namespace cppwax::transport {

namespace {

constexpr std::string_view kRefused = "cppwax: refused: ";
constexpr std::size_t kMaxLine = 200;

// The rest of a line that began with the bytes that were read for a hello.
Awaitable<void> read_line(Stream& stream, std::string& line) {
  ErrorCode error;
  while (line.size() < kMaxLine && line.back() != '\n') {
    std::array<std::byte, 1> byte{};
    co_await stream.read(byte, error);
    if (error) break;
    line.push_back(std::to_integer<char>(byte[0]));
  }
  std::erase_if(line, [](char c) { return c < ' ' || c > '~'; });
}

}  // namespace

Awaitable<std::variant<Hello, Unheard>> read_hello(Stream& stream) {
  ErrorCode error;
  std::array<std::byte, HelloPrefix::kBytes> start{};
  co_await stream.read(start, error);
  // A TLS dialler has done its part before the listener has judged its certificate.
  const bool by_tls = error.category() == net::error::get_ssl_category();
  if (by_tls) co_return Unheard{"refuses this process (" + error.message() + ")"};
  if (error) co_return Unheard{"closed the connection before its hello"};
  const auto prefix = HelloPrefix::read(start);
  if (const auto* wrong = std::get_if<HelloError>(&prefix)) {
    std::string text(reinterpret_cast<const char*>(start.data()), start.size());
    if (kRefused.starts_with(text)) {
      co_await read_line(stream, text);
      co_return Unheard{"answers: " + text.substr(std::min(text.size(), kRefused.size()))};
    }
    co_return Unheard{*wrong == HelloError::kTooLong ? "sent a hello that is too long"
                                                     : "sent what is no hello of cppwax"};
  }
  WireBytes body(std::get<HelloPrefix>(prefix).body_bytes);
  co_await stream.read(body, error);
  if (error) co_return Unheard{"closed the connection in its hello"};
  const auto hello = read_hello_body(std::get<HelloPrefix>(prefix), body);
  if (!std::holds_alternative<Hello>(hello)) co_return Unheard{"sent a malformed hello"};
  co_return std::get<Hello>(hello);
}

Awaitable<void> write_hello(Stream& stream, const Hello& hello, ErrorCode& error) {
  const WireBytes bytes = hello.write();
  co_await stream.write(bytes, error);
}

Awaitable<void> write_confirmation(Stream& stream, ErrorCode& error) {
  WireBytes bytes;
  write_frame(bytes, Heartbeat{});
  co_await stream.write(bytes, error);
}

Awaitable<bool> read_confirmation(Stream& stream) {
  WireBytes expected;
  write_frame(expected, Heartbeat{});
  std::array<std::byte, FrameHeader::kBytes> bytes{};
  ErrorCode error;
  co_await stream.read(bytes, error);
  co_return !error && std::ranges::equal(bytes, expected);
}

std::string refusal_line(const Security& security) {
  std::string why = "one process has a cluster secret, the other has none";
  if (std::holds_alternative<Certificates>(security)) {
    why = "one process has TLS certificates, the other has none";
  } else if (std::holds_alternative<ListedAddresses>(security)) {
    why = "one process has a cluster secret or certificates, the other has none";
  }
  return std::string(kRefused) + why + "\n";
}

}  // namespace cppwax::transport
