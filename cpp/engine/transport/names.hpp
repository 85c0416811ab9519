// From the address list to numbers, again and again: names may come to mean something only while
// the cluster forms.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/transport/address.hpp"
#include "engine/transport/asio.hpp"
#include "engine/transport/lookups.hpp"

namespace cppwax::transport {

// Used by the I/O thread. Outlives its coroutines.
class Names {
 public:
  // `lookup`: the system's, but in tests.
  Names(net::io_context& io, const std::vector<Address>& list, const Clock& clock,
        std::function<Found(const std::string&)> lookup = look_up);

  struct Resolved {
    std::vector<Tcp::endpoint> endpoints;  // each once
    std::string trouble;                   // why there are none
  };
  // Numbers are not looked up. Nothing, and no trouble, after `stop`.
  Awaitable<Resolved> resolve(const Address& address);
  // Ends what waits for a lookup.
  void stop();

  // Whether an entry of the list was last found to be at this address.
  bool listed(const net::ip::address& address) const;
  // Begins to look all entries up again, unless that was done in this second. What is found counts
  // as it comes: one name that hangs holds up no other.
  void refresh();
  // Whether what `refresh` began is not through: more may come to be listed.
  bool refreshing() const;

 private:
  struct Entry {
    Address address;
    std::set<net::ip::address> found{};
    bool under_way = false;
  };
  // One that waits for a lookup.
  struct Wait {
    explicit Wait(net::io_context& io) : answered(io, net::steady_timer::time_point::max()) {}
    net::steady_timer answered;
    Found found;
  };

  Awaitable<void> renew(Entry& entry);

  net::io_context& io_;
  std::vector<Entry> list_;
  const Clock& clock_;
  std::optional<SteadyTime> refreshed_;
  std::set<std::shared_ptr<Wait>> waits_;
  bool open_ = true;
  Lookups lookups_;
};

}  // namespace cppwax::transport
