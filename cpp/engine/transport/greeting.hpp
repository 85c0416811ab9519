// The first bytes of a connection, on both sides (docs/wire_format.md, "Joining").
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "engine/transport/hello.hpp"
#include "engine/transport/security.hpp"
#include "engine/transport/stream.hpp"

namespace cppwax::transport {

// A clause about the peer: "sent what is no hello".
struct Unheard {
  std::string why;
};

Awaitable<std::variant<Hello, Unheard>> read_hello(Stream& stream);
Awaitable<void> write_hello(Stream& stream, const Hello& hello, ErrorCode& error);

// The dialler's last word before frames: it has heard that it may join.
Awaitable<void> write_confirmation(Stream& stream, ErrorCode& error);
// False if it is anything else, or an error.
Awaitable<bool> read_confirmation(Stream& stream);

// What a listener says in plain to who comes with the other kind of first byte.
std::string refusal_line(const Security& security);

inline constexpr std::byte kTlsFirstByte{0x16};

}  // namespace cppwax::transport
