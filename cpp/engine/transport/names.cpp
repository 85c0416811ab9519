#include "engine/transport/names.hpp"

#include <utility>

#include "engine/transport/sockets.hpp"

namespace cppwax::transport {

Names::Names(net::io_context& io, std::vector<Address> list, const Clock& clock)
    : io_(io), list_(std::move(list)), clock_(clock) {}

Awaitable<std::vector<Tcp::endpoint>> Names::resolve(const Address& address, ErrorCode& error) {
  std::vector<Tcp::endpoint> found;
  const net::ip::address number = net::ip::make_address(address.host, error);
  if (!error) {
    found.emplace_back(number, address.port);
    co_return found;
  }
  Tcp::resolver resolver(io_);
  const std::string port = std::to_string(address.port);
  const auto results = co_await resolver.async_resolve(address.host, port,
                                                       Tcp::resolver::numeric_service, into(error));
  for (const auto& result : results) found.push_back(result.endpoint());
  co_return found;
}

Awaitable<void> Names::refresh() {
  const SteadyTime now = clock_.steady();
  if (refreshed_ && now - *refreshed_ < std::chrono::seconds(1)) co_return;
  refreshed_ = now;
  std::set<net::ip::address> listed;
  for (const Address& address : list_) {
    ErrorCode unknown;
    const std::vector<Tcp::endpoint> found = co_await resolve(address, unknown);
    for (const Tcp::endpoint& endpoint : found) {
      listed.insert(plain_address(endpoint.address()));
    }
  }
  listed_ = std::move(listed);
}

}  // namespace cppwax::transport
