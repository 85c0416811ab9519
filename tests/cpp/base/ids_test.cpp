#include "engine/base/ids.hpp"

#include <gmock/gmock.h>

#include <sstream>
#include <type_traits>
#include <unordered_set>

namespace cppwax {
namespace {

static_assert(!std::is_convertible_v<WorkerIndex, ProcessIndex>);
static_assert(!std::is_convertible_v<WorkerIndex, std::uint32_t>);
static_assert(!std::is_convertible_v<std::uint32_t, WorkerIndex>);
static_assert(!std::is_constructible_v<Epoch, WorkerIndex>);

TEST(Ids, CompareByNumber) {
  EXPECT_LT(WorkerIndex(1), WorkerIndex(2));
  EXPECT_EQ(StepIndex(7), StepIndex(7));
  EXPECT_EQ(ChannelIndex(), ChannelIndex(0));
}

TEST(Ids, PrintAsNumber) {
  std::ostringstream out;
  out << WorkerIndex(3) << ' ' << Epoch(12);
  EXPECT_EQ(out.str(), "3 12");
}

TEST(Ids, AreKeysOfHashTables) {
  const std::unordered_set<StepIndex> steps{StepIndex(1), StepIndex(1), StepIndex(2)};
  EXPECT_EQ(steps.size(), 2u);
}

TEST(Epoch, NeighboursUseDifferentWindows) {
  EXPECT_EQ(kFirstEpoch.next(), Epoch(2));
  EXPECT_EQ(Epoch(2).parity(), 0u);
  EXPECT_EQ(Epoch(3).parity(), 1u);
}

}  // namespace
}  // namespace cppwax
