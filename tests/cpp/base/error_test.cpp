#include "engine/base/error.hpp"

#include <gmock/gmock.h>

namespace cppwax {
namespace {

using testing::MatchesRegex;

std::string message_of(void (*fail)()) {
  try {
    fail();
  } catch (const InvariantError& error) {
    return error.what();
  }
  return "";
}

TEST(EngineAssert, SaysPlaceConditionAndOperands) {
  const auto fail = [] {
    const int spent = 3;
    const Epoch epoch(7);
    ENGINE_ASSERT(spent == 4, spent, epoch);
  };
  EXPECT_THAT(message_of(fail),
              MatchesRegex(".*error_test\\.cpp:[0-9]+: spent == 4; spent, epoch = 3 7"));
}

TEST(EngineAssert, NeedsNoOperands) {
  EXPECT_THAT(message_of([] { ENGINE_ASSERT(1 + 1 == 3); }),
              MatchesRegex(".*error_test\\.cpp:[0-9]+: 1 \\+ 1 == 3"));
}

TEST(EngineAssert, LooksAtOperandsOnlyWhenItFails) {
  int looks = 0;
  const auto look = [&] { return ++looks; };
  ENGINE_ASSERT(true, look());
  EXPECT_EQ(looks, 0);
  EXPECT_THROW(ENGINE_ASSERT(false, look()), InvariantError);
  EXPECT_EQ(looks, 1);
}

TEST(UserCodeError, KeepsItsCause) {
  const UserCodeError error("calling `next_batch`", std::make_exception_ptr(42));
  EXPECT_STREQ(error.what(), "user code failed while calling `next_batch`");
  EXPECT_EQ(error.doing, "calling `next_batch`");
  EXPECT_THROW(std::rethrow_exception(error.cause), int);
}

TEST(Error, KeepsWhereItHappenedWhileThrown) {
  try {
    try {
      throw ConfigError("no such thing");
    } catch (Error& error) {
      error.context.step = "flow.step";
      error.context.worker = WorkerIndex(2);
      throw;
    }
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.context.step, "flow.step");
    EXPECT_EQ(error.context.worker, WorkerIndex(2));
    EXPECT_EQ(error.context.epoch, std::nullopt);
  }
}

}  // namespace
}  // namespace cppwax
