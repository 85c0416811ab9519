#include "engine/windowing/window_grid.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <random>

#include "engine/base/error.hpp"

namespace cppwax::windowing {
namespace {

TEST(WindowGrid, TumblingWindowsHoldTheirBeginAndNotTheirEnd) {
  const WindowGrid grid(10, 10, 100);
  for (const auto& [when, id] :
       {std::pair<Micros, WindowId>{100, 0}, {109, 0}, {110, 1}, {99, -1}, {90, -1}, {89, -2}}) {
    EXPECT_EQ(grid.ids_at(when).first, id) << when;
    EXPECT_EQ(grid.ids_at(when).last, id) << when;
  }
  EXPECT_EQ(grid.bounds_of(-1).open, 90);
  EXPECT_EQ(grid.bounds_of(-1).close, 100);
}

class RandomGrid : public testing::TestWithParam<unsigned> {};

TEST_P(RandomGrid, ATimeIsInItsWindowsAndInNoOther) {
  std::mt19937 random(GetParam());
  const auto upto = [&](int least, int greatest) {
    return std::uniform_int_distribution<Micros>(least, greatest)(random);
  };
  for (int i = 0; i < 2000; ++i) {
    const Micros offset = upto(1, 30);
    const WindowGrid grid(offset + upto(0, 60), offset, upto(-50, 50));
    const Micros when = upto(-500, 500);
    const auto [first, last] = grid.ids_at(when);
    ASSERT_LE(first, last);
    for (WindowId id = first - 2; id <= last + 2; ++id) {
      const auto [open, close] = grid.bounds_of(id);
      ASSERT_EQ(open <= when && when < close, first <= id && id <= last) << id;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomGrid, testing::Range(0u, 5u));

TEST(WindowGrid, WindowsBeyondTheEndsOfTimeEndThere) {
  for (const Micros length :
       {Micros{86'400'000'000}, Micros{1'000'000'000'000'000}, kLongestSpan}) {
    for (const Micros align : {kUtcMin, Micros{0}, kUtcMax}) {
      const WindowGrid grid(length, length, align);
      for (const Micros when : {kUtcMin, Micros{-1}, Micros{1}, kUtcMax}) {
        const auto [open, close] = grid.bounds_of(grid.ids_at(when).last);
        EXPECT_LE(kUtcMin, open);
        EXPECT_LE(open, when);
        EXPECT_LE(when, close);
        EXPECT_LE(close, kUtcMax);
      }
    }
  }
}

TEST(WindowGrid, IdsOutOfAnotherGridDoNotOverflow) {
  const WindowGrid grid(kLongestSpan, kLongestSpan, kUtcMin);
  EXPECT_EQ(grid.bounds_of(std::numeric_limits<WindowId>::max()).open, kUtcMax);
  EXPECT_EQ(grid.bounds_of(std::numeric_limits<WindowId>::min()).close, kUtcMin);
}

TEST(WindowGrid, RefusesGridsWithoutMeaning) {
  EXPECT_THROW(WindowGrid(5, 0, 0), InvariantError);
  EXPECT_THROW(WindowGrid(5, 6, 0), InvariantError);
  EXPECT_THROW(WindowGrid(kLongestSpan + 1, 1, 0), InvariantError);
  EXPECT_THROW(WindowGrid(5, 5, kUtcMax + 1), InvariantError);
}

}  // namespace
}  // namespace cppwax::windowing
