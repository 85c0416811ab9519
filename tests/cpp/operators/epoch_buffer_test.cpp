#include "engine/operators/epoch_buffer.hpp"

#include <gmock/gmock.h>

#include "engine/base/error.hpp"
#include "support/int_payload.hpp"

namespace cppwax::operators {
namespace {

using test::Ints;
using testing::IsEmpty;

HeldBatch batch(std::uint64_t epoch, std::int64_t value) {
  return {.input = 0,
          .sender = 0,
          .epoch = Epoch(epoch),
          .payload = test::ints({value}),
          .amount = {1, 8}};
}

Ints values(const std::vector<HeldBatch>& batches) {
  Ints all;
  for (const HeldBatch& held : batches) {
    for (const std::int64_t value : test::values_of(held.payload)) all.push_back(value);
  }
  return all;
}

TEST(EpochBuffer, IsEmptyAtFirst) {
  EpochBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.least(), std::nullopt);
  EXPECT_THAT(buffer.release(Epoch(1)), IsEmpty());
}

TEST(EpochBuffer, ReleasesExactlyOneEpochInOrderOfArrival) {
  EpochBuffer buffer;
  for (const auto& [epoch, value] : {std::pair{3, 1}, {2, 2}, {3, 3}, {2, 4}, {4, 5}}) {
    buffer.hold(batch(static_cast<std::uint64_t>(epoch), value));
  }
  EXPECT_EQ(buffer.least(), Epoch(2));
  EXPECT_EQ(values(buffer.release(Epoch(2))), (Ints{2, 4}));
  EXPECT_EQ(buffer.least(), Epoch(3));
  EXPECT_EQ(values(buffer.release(Epoch(3))), (Ints{1, 3}));
  EXPECT_FALSE(buffer.empty());
  EXPECT_EQ(values(buffer.release(Epoch(4))), Ints{5});
  EXPECT_TRUE(buffer.empty());
}

TEST(EpochBuffer, ReleasesABatchOnce) {
  EpochBuffer buffer;
  buffer.hold(batch(2, 1));
  EXPECT_EQ(buffer.release(Epoch(2)).size(), 1u);
  EXPECT_THAT(buffer.release(Epoch(2)), IsEmpty());
}

TEST(EpochBuffer, AnEpochOfWhichNothingIsHeldReleasesNothing) {
  EpochBuffer buffer;
  buffer.hold(batch(4, 1));
  EXPECT_THAT(buffer.release(Epoch(3)), IsEmpty());
  EXPECT_EQ(buffer.least(), Epoch(4));
}

TEST(EpochBuffer, KeepsWhereABatchCameFrom) {
  EpochBuffer buffer;
  buffer.hold(
      {.input = 1, .sender = 2, .epoch = Epoch(5), .payload = test::ints({9}), .amount = {1, 80}});
  const auto released = buffer.release(Epoch(5));
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].input, 1u);
  EXPECT_EQ(released[0].sender, 2u);
  EXPECT_EQ(released[0].epoch, Epoch(5));
  EXPECT_EQ(released[0].amount, (channel::Amount{1, 80}));
}

TEST(EpochBuffer, RefusesToSkipWhatIsHeld) {
  EpochBuffer buffer;
  buffer.hold(batch(2, 1));
  EXPECT_THROW(buffer.release(Epoch(3)), InvariantError);
  EXPECT_EQ(buffer.release(Epoch(2)).size(), 1u);
}

TEST(EpochBuffer, RefusesAnEpochThatIsOver) {
  EpochBuffer buffer;
  buffer.release(Epoch(3));
  EXPECT_THROW(buffer.hold(batch(3, 1)), InvariantError);
  EXPECT_THROW(buffer.release(Epoch(2)), InvariantError);
  buffer.hold(batch(4, 1));
}

}  // namespace
}  // namespace cppwax::operators
