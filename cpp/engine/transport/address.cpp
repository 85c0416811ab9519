#include "engine/transport/address.hpp"

#include <charconv>

#include "engine/base/error.hpp"

namespace cppwax::transport {

namespace {

[[noreturn]] void refuse_address(std::string_view text, const std::string& why) {
  throw ConfigError("address \"" + std::string(text) + "\" " + why +
                    ": write host:port, or [IPv6]:port");
}

}  // namespace

std::string Address::text() const {
  const bool number = host.find(':') != std::string::npos;
  return (number ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Address parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (text.empty() || colon == std::string_view::npos) refuse_address(text, "has no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    refuse_address(text, "has several colons and no brackets");
  }
  if (host.empty()) refuse_address(text, "has no host");
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0 || number > 65535) {
    refuse_address(text, "has no port between 1 and 65535");
  }
  return {std::string(host), static_cast<std::uint16_t>(number)};
}

}  // namespace cppwax::transport
