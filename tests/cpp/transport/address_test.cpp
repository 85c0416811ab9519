#include "engine/transport/address.hpp"

#include <gmock/gmock.h>

#include "engine/base/error.hpp"

namespace cppwax::transport {
namespace {

TEST(Address, ReadsHostAndPort) {
  EXPECT_EQ(parse_address("cluster_one:2101").host, "cluster_one");
  EXPECT_EQ(parse_address("cluster_one:2101").port, 2101);
  EXPECT_EQ(parse_address("[::1]:65535").host, "::1");
  EXPECT_EQ(parse_address("[::1]:65535").text(), "[::1]:65535");
  EXPECT_EQ(parse_address("10.0.0.1:1").text(), "10.0.0.1:1");
}

TEST(Address, NamesWhatIsWrong) {
  for (const char* text : {"", "host", "host:", ":1", "host:0", "host:65536", "host:1x", "host:-1",
                           "::1:2101", "[]:1", "host: 1", "host:99999999999999999999"}) {
    try {
      parse_address(text);
      ADD_FAILURE() << text;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("address \"" + std::string(text) + "\" has"));
    }
  }
}

}  // namespace
}  // namespace cppwax::transport
