#include "engine/channel/router.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "engine/base/error.hpp"
#include "support/int_payload.hpp"

namespace cppwax::channel {
namespace {

using test::counting;
using test::Ints;
using test::ints;

std::vector<Ints> split(BalancedRouter& router, std::size_t workers, Ints batch) {
  std::vector<data::PayloadPtr> parts(workers);
  router.split(ints(std::move(batch)), parts);
  std::vector<Ints> values;
  for (const auto& part : parts) values.push_back(test::values_of(part));
  return values;
}

std::vector<std::size_t> sizes(const std::vector<Ints>& parts) {
  std::vector<std::size_t> sizes;
  for (const Ints& part : parts) sizes.push_back(part.size());
  return sizes;
}

TEST(BalancedRouter, SendsSmallBatchesWholeAndInTurn) {
  BalancedRouter router(3, WorkerIndex(1));
  EXPECT_EQ(split(router, 3, {1, 2}), (std::vector<Ints>{{}, {1, 2}, {}}));
  EXPECT_EQ(split(router, 3, {3}), (std::vector<Ints>{{}, {}, {3}}));
  EXPECT_EQ(split(router, 3, {4}), (std::vector<Ints>{{4}, {}, {}}));
  EXPECT_EQ(split(router, 3, counting(63)), (std::vector<Ints>{{}, counting(63), {}}));
}

TEST(BalancedRouter, CutsLargeBatchesIntoASliceAWorker) {
  BalancedRouter router(4, WorkerIndex(0));
  EXPECT_EQ(
      split(router, 4, counting(64)),
      (std::vector<Ints>{counting(16, 0), counting(16, 16), counting(16, 32), counting(16, 48)}));
}

TEST(BalancedRouter, RotatesWhoGetsTheRemainder) {
  BalancedRouter router(4, WorkerIndex(3));
  EXPECT_EQ(sizes(split(router, 4, counting(102))), (std::vector<std::size_t>{26, 25, 25, 26}));
  EXPECT_EQ(sizes(split(router, 4, counting(102))), (std::vector<std::size_t>{25, 26, 26, 25}));
}

TEST(BalancedRouter, LeavesAllItemsToAnOnlyWorker) {
  BalancedRouter router(1, WorkerIndex(0));
  EXPECT_EQ(split(router, 1, counting(1'000)), std::vector<Ints>{counting(1'000)});
  EXPECT_EQ(split(router, 1, {5}), std::vector<Ints>{{5}});
}

TEST(BalancedRouter, MayHaveMoreWorkersThanItems) {
  BalancedRouter router(100, WorkerIndex(90));
  const auto parts = split(router, 100, counting(64));
  EXPECT_EQ(std::count_if(parts.begin(), parts.end(), [](const Ints& p) { return p.size() == 1; }),
            64);
  EXPECT_EQ(parts[90].size(), 1u);
  EXPECT_EQ(parts[53].size(), 1u);
  EXPECT_EQ(parts[54].size(), 0u);
}

TEST(BalancedRouter, RefusesAStartOutsideTheCluster) {
  EXPECT_THROW(BalancedRouter(3, WorkerIndex(3)), InvariantError);
  EXPECT_THROW(BalancedRouter(0, WorkerIndex(0)), InvariantError);
}

class BalancedRouterAtRandom : public testing::TestWithParam<unsigned> {};

TEST_P(BalancedRouterAtRandom, KeepsItemsAndOrderAndSpreadsEvenly) {
  std::mt19937 random(GetParam());
  const auto workers = static_cast<std::uint32_t>(1 + random() % 7);
  BalancedRouter router(workers, WorkerIndex(static_cast<std::uint32_t>(random() % workers)));
  std::vector<std::size_t> of_large(workers, 0);
  for (int i = 0; i < 100; ++i) {
    const Ints batch = counting(64 + random() % 500);
    const auto parts = split(router, workers, batch);
    Ints joined;
    for (std::size_t w = 0; w < workers; ++w) {
      joined.insert(joined.end(), parts[w].begin(), parts[w].end());
      of_large[w] += parts[w].size();
    }
    ASSERT_EQ(joined, batch);
    const auto [least, most] = std::minmax_element(of_large.begin(), of_large.end());
    ASSERT_LE(*most - *least, 1u) << "after " << i + 1 << " batches";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, BalancedRouterAtRandom, testing::Range(0u, 20u));

}  // namespace
}  // namespace cppwax::channel
