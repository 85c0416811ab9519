#include "engine/base/first_failure.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace cppwax {
namespace {

TEST(FirstFailure, AttemptsAllAndLetsTheFirstOut) {
  FirstFailure first;
  int attempts = 0;
  for (const char* text : {"one", "two"}) {
    first.attempt([&] {
      ++attempts;
      throw std::runtime_error(text);
    });
  }
  first.attempt([&] { ++attempts; });
  EXPECT_EQ(attempts, 3);
  try {
    first.rethrow();
    FAIL() << "nothing came out";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), std::string("one"));
  }
}

TEST(FirstFailure, WithoutOneNothingComesOut) {
  FirstFailure first;
  first.attempt([] {});
  EXPECT_NO_THROW(first.rethrow());
}

}  // namespace
}  // namespace cppwax
