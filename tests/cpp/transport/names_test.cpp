// What the names of the address list mean, as lookups come and go; the test is the I/O thread.
#include "engine/transport/names.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <future>
#include <string>

#include "engine/transport/spawn.hpp"

namespace cppwax::transport {
namespace {

Names::Resolved resolve(const Address& address, std::function<Found(const std::string&)> lookup) {
  net::io_context io{1};
  Names names(io, {address}, system_clock(), std::move(lookup));
  Names::Resolved resolved;
  const auto work = [](Names& of, const Address& what, Names::Resolved& out) -> Awaitable<void> {
    out = co_await of.resolve(what);
  };
  spawn(io, work(names, address, resolved));
  io.run();
  return resolved;
}

Tcp::endpoint endpoint(const char* host, std::uint16_t port) {
  return {net::ip::make_address(host), port};
}

TEST(Names, GiveAnAddressOnceThoughTheSystemGivesItTwice) {
  const auto resolved = resolve({"host", 2101}, [](const std::string&) -> Found {
    return {{"127.0.0.1", "::1", "127.0.0.1"}, ""};
  });
  EXPECT_THAT(resolved.endpoints,
              testing::ElementsAre(endpoint("127.0.0.1", 2101), endpoint("::1", 2101)));
}

TEST(Names, AreListedAsTheyAreFoundThoughAnotherHangs) {
  std::promise<void> opened;
  const auto lookup = [open = opened.get_future().share()](const std::string& host) -> Found {
    if (host == "slow") open.wait();
    return {{host == "slow" ? "127.0.0.1" : "127.0.0.2"}, ""};
  };
  net::io_context io{1};
  Names names(io, {{"slow", 1}, {"fast", 2}}, system_clock(), lookup);
  names.refresh();
  const auto slow = net::ip::make_address("127.0.0.1");
  while (!names.listed(net::ip::make_address("127.0.0.2")) && io.run_one() > 0) {
  }
  EXPECT_TRUE(names.listed(net::ip::make_address("127.0.0.2")));
  EXPECT_TRUE(names.refreshing());
  EXPECT_FALSE(names.listed(slow));
  opened.set_value();
  io.run();
  EXPECT_FALSE(names.refreshing());
  EXPECT_TRUE(names.listed(slow));
}

}  // namespace
}  // namespace cppwax::transport
