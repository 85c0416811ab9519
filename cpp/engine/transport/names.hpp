// From the address list to numbers, again and again: names may come to mean something only while
// the cluster forms.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/transport/address.hpp"
#include "engine/transport/asio.hpp"

namespace cppwax::transport {

// Used by the I/O thread.
class Names {
 public:
  Names(net::io_context& io, std::vector<Address> list, const Clock& clock);

  // Numbers are not looked up. Errors: through `error`.
  Awaitable<std::vector<Tcp::endpoint>> resolve(const Address& address, ErrorCode& error);

  // Whether an entry of the list was last found to be at this address.
  bool listed(const net::ip::address& address) const { return listed_.contains(address); }
  // Looks all entries up again, unless that was done in this second.
  Awaitable<void> refresh();

 private:
  net::io_context& io_;
  const std::vector<Address> list_;
  const Clock& clock_;
  std::set<net::ip::address> listed_;
  std::optional<SteadyTime> refreshed_;
};

}  // namespace cppwax::transport
