// An entry of the address list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cppwax::transport {

// A name or number of a host, and a port. Immutable.
struct Address {
  std::string host;  // an IPv6 number without brackets
  std::uint16_t port = 0;

  // "host:port", "[::1]:port"
  std::string text() const;
};

// Errors: ConfigError that names the entry and what is wrong with it.
Address parse_address(std::string_view text);

}  // namespace cppwax::transport
