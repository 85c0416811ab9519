#include "engine/channel/credit.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <vector>

#include "engine/base/error.hpp"

namespace cppwax::channel {
namespace {

TEST(CreditWindows, AreOpenUntilItemsAreUsedUp) {
  CreditWindows credit({10, 1'000}, false);
  EXPECT_TRUE(credit.open(Epoch(1)));
  EXPECT_EQ(credit.room(Epoch(1)), 10);
  credit.spend(Epoch(1), {9, 1});
  EXPECT_EQ(credit.room(Epoch(1)), 1);
  credit.spend(Epoch(1), {1, 1});
  EXPECT_FALSE(credit.open(Epoch(1)));
  EXPECT_EQ(credit.room(Epoch(1)), 0);
}

TEST(CreditWindows, AreOpenUntilBytesAreUsedUp) {
  CreditWindows credit({10, 1'000}, false);
  credit.spend(Epoch(1), {1, 1'000});
  EXPECT_FALSE(credit.open(Epoch(1)));
  EXPECT_EQ(credit.room(Epoch(1)), 0);
}

TEST(CreditWindows, OneBatchMayGoBelowZero) {
  CreditWindows credit({10, 1'000}, false);
  credit.spend(Epoch(1), {25, 9'000});
  EXPECT_EQ(credit.room(Epoch(1)), 0);
  credit.restore(Epoch(1), {15, 8'000});
  EXPECT_FALSE(credit.open(Epoch(1))) << "the hole is only filled";
  credit.restore(Epoch(1), {1, 1});
  EXPECT_TRUE(credit.open(Epoch(1)));
  EXPECT_EQ(credit.room(Epoch(1)), 1);
}

TEST(CreditWindows, TwoAreForEvenAndOddEpochs) {
  CreditWindows credit({10, 1'000}, true);
  credit.spend(Epoch(1), {10, 10});
  EXPECT_FALSE(credit.open(Epoch(1)));
  EXPECT_FALSE(credit.open(Epoch(3)));
  EXPECT_TRUE(credit.open(Epoch(2)));
  EXPECT_EQ(credit.room(Epoch(4)), 10);
  EXPECT_THROW(credit.restore(Epoch(2), {1, 1}), InvariantError);
}

TEST(CreditWindows, OneIsForAllEpochs) {
  CreditWindows credit({10, 1'000}, false);
  credit.spend(Epoch(1), {10, 10});
  EXPECT_FALSE(credit.open(Epoch(2)));
  credit.restore(Epoch(2), {10, 10});
  EXPECT_TRUE(credit.open(Epoch(1)));
}

TEST(CreditWindows, RefuseMoreBackThanWasSpent) {
  CreditWindows credit({10, 1'000}, false);
  EXPECT_THROW(credit.restore(Epoch(1), {1, 0}), InvariantError);
  EXPECT_THROW(credit.restore(Epoch(1), {0, 1}), InvariantError);
  credit.spend(Epoch(1), {3, 30});
  EXPECT_THROW(credit.restore(Epoch(1), {3, 31}), InvariantError);
  EXPECT_THROW(credit.restore(Epoch(1), {4, 30}), InvariantError);
  credit.restore(Epoch(1), {3, 30});
  EXPECT_EQ(credit.room(Epoch(1)), 10);
}

TEST(CreditWindows, RefuseAmountsBelowZeroAndEmptyWindows) {
  CreditWindows credit({10, 1'000}, false);
  EXPECT_THROW(credit.spend(Epoch(1), {-1, 0}), InvariantError);
  credit.spend(Epoch(1), {5, 5});
  EXPECT_THROW(credit.restore(Epoch(1), {1, -1}), InvariantError);
  EXPECT_THROW(CreditWindows({0, 1}, false), InvariantError);
  EXPECT_THROW(CreditWindows({1, 0}, false), InvariantError);
}

class CreditWindowsAtRandom : public testing::TestWithParam<unsigned> {};

// Nothing is lost or made: a window is its size less what is outstanding, and whole at the end.
TEST_P(CreditWindowsAtRandom, ConserveCredit) {
  std::mt19937 random(GetParam());
  const auto upto = [&](unsigned greatest) { return random() % (greatest + 1); };
  const bool two = upto(1) == 1;
  const Amount size{1 + static_cast<std::int64_t>(upto(50)),
                    1 + static_cast<std::int64_t>(upto(500))};
  CreditWindows credit(size, two);
  struct Outstanding {
    Epoch epoch;
    Amount amount;
  };
  std::vector<Outstanding> outstanding;

  const auto left_in = [&](Epoch epoch) {
    Amount left = size;
    for (const auto& [other, amount] : outstanding) {
      if (two && other.parity() != epoch.parity()) continue;
      left += {-amount.items, -amount.bytes};
    }
    return left;
  };
  const auto expect_as_outstanding = [&] {
    for (const Epoch epoch : {Epoch(4), Epoch(5)}) {
      const Amount expected = left_in(epoch);
      const bool open = expected.items > 0 && expected.bytes > 0;
      ASSERT_EQ(credit.open(epoch), open);
      ASSERT_EQ(credit.room(epoch), open ? expected.items : 0);
    }
  };

  for (int i = 0; i < 500; ++i) {
    const Epoch epoch(4 + upto(1));
    if (credit.open(epoch) && upto(1) == 0) {
      const Amount amount{1 + static_cast<std::int64_t>(upto(60)),
                          static_cast<std::int64_t>(upto(600))};
      credit.spend(epoch, amount);
      outstanding.push_back({epoch, amount});
    } else if (!outstanding.empty()) {
      std::swap(outstanding[upto(static_cast<unsigned>(outstanding.size()) - 1)],
                outstanding.back());
      credit.restore(outstanding.back().epoch, outstanding.back().amount);
      outstanding.pop_back();
    }
    expect_as_outstanding();
  }
  for (const auto& [epoch, amount] : outstanding) credit.restore(epoch, amount);
  outstanding.clear();
  expect_as_outstanding();
  EXPECT_THROW(credit.restore(Epoch(4), {1, 0}), InvariantError);
}

INSTANTIATE_TEST_SUITE_P(Seeds, CreditWindowsAtRandom, testing::Range(0u, 30u));

}  // namespace
}  // namespace cppwax::channel
