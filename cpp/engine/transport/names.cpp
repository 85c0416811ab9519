#include "engine/transport/names.hpp"

#include <algorithm>
#include <utility>

#include "engine/transport/sockets.hpp"
#include "engine/transport/spawn.hpp"

namespace cppwax::transport {

Names::Names(net::io_context& io, const std::vector<Address>& list, const Clock& clock,
             std::function<Found(const std::string&)> lookup)
    : io_(io), clock_(clock), lookups_(std::move(lookup)) {
  for (const Address& address : list) list_.push_back({address});
}

Awaitable<Names::Resolved> Names::resolve(const Address& address) {
  Resolved resolved;
  ErrorCode error;
  const net::ip::address number = net::ip::make_address(address.host, error);
  if (!error) {
    resolved.endpoints.emplace_back(number, address.port);
    co_return resolved;
  }
  if (!open_) co_return resolved;
  const auto wait = std::make_shared<Wait>(io_);
  waits_.insert(wait);
  lookups_.start(address.host, [&io = io_, wait](const Found& found) {
    net::post(io, [wait, found] {
      wait->found = found;
      wait->answered.cancel();
    });
  });
  co_await wait->answered.async_wait(into(error));
  waits_.erase(wait);
  resolved.trouble = wait->found.trouble;
  for (const std::string& text : wait->found.numbers) {
    const net::ip::address found = net::ip::make_address(text, error);
    const Tcp::endpoint endpoint(found, address.port);
    // The system may give one for each line of its file of hosts; a second acceptor would find the
    // first one's address in use.
    const bool is_new = std::ranges::find(resolved.endpoints, endpoint) == resolved.endpoints.end();
    if (!error && is_new) resolved.endpoints.push_back(endpoint);
  }
  co_return resolved;
}

void Names::stop() {
  open_ = false;
  for (const auto& wait : waits_) wait->answered.cancel();
}

bool Names::listed(const net::ip::address& address) const {
  return std::ranges::any_of(list_,
                             [&](const Entry& entry) { return entry.found.contains(address); });
}

bool Names::refreshing() const {
  return std::ranges::any_of(list_, &Entry::under_way);
}

void Names::refresh() {
  const SteadyTime now = clock_.steady();
  if (refreshed_ && now - *refreshed_ < std::chrono::seconds(1)) return;
  refreshed_ = now;
  for (Entry& entry : list_) {
    if (!std::exchange(entry.under_way, true)) spawn(io_, renew(entry));
  }
}

Awaitable<void> Names::renew(Entry& entry) {
  const Resolved now = co_await resolve(entry.address);
  entry.under_way = false;
  entry.found.clear();
  for (const Tcp::endpoint& endpoint : now.endpoints) {
    entry.found.insert(plain_address(endpoint.address()));
  }
}

}  // namespace cppwax::transport
