#include "engine/base/guarded.hpp"

#include <gmock/gmock.h>

#include <string>
#include <thread>

namespace cppwax {
namespace {

TEST(Guarded, GivesWhatTheUseReturns) {
  Guarded<std::string> text("abc");
  EXPECT_EQ(text.with([](std::string& value) { return value.size(); }), 3u);
  text.with([](std::string& value) { value += "d"; });
  EXPECT_EQ(text.with([](const std::string& value) { return value; }), "abcd");
}

TEST(Guarded, LetsOneThreadInAtATime) {
  Guarded<int> count(0);
  const auto add = [&] {
    for (int i = 0; i < 20'000; ++i) count.with([](int& value) { ++value; });
  };
  std::thread other(add);
  add();
  other.join();
  EXPECT_EQ(count.with([](const int& value) { return value; }), 40'000);
}

}  // namespace
}  // namespace cppwax
