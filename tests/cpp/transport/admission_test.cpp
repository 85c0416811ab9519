#include "engine/transport/admission.hpp"

#include <gmock/gmock.h>

namespace cppwax::transport {
namespace {

TEST(PendingSlots, StrangersReplaceTheirOldest) {
  PendingSlots slots(6, 2);
  for (PendingSlots::Ticket ticket = 0; ticket < 4; ++ticket) {
    const auto admission = slots.admit(false);
    EXPECT_EQ(admission.ticket, ticket);
    EXPECT_FALSE(admission.dropped);
  }
  EXPECT_EQ(slots.admit(false).dropped, 0u);
  EXPECT_EQ(slots.admit(false).dropped, 1u);
  EXPECT_EQ(slots.size(), 4u);
}

TEST(PendingSlots, AKnownAddressFindsRoomAmongStrangers) {
  PendingSlots slots(6, 2);
  for (int i = 0; i < 10; ++i) slots.admit(false);
  EXPECT_FALSE(slots.admit(true).dropped);
  EXPECT_FALSE(slots.admit(true).dropped);
  EXPECT_EQ(slots.admit(true).dropped, 6u);  // the oldest stranger
  EXPECT_EQ(slots.size(), 6u);
}

TEST(PendingSlots, AStrangerNeverReplacesAKnownOne) {
  PendingSlots slots(4, 2);
  for (int i = 0; i < 4; ++i) slots.admit(true);
  const auto stranger = slots.admit(false);
  EXPECT_EQ(stranger.dropped, stranger.ticket);
  EXPECT_EQ(slots.admit(true).dropped, 0u);
  EXPECT_EQ(slots.size(), 4u);
}

TEST(PendingSlots, ReleasedPlacesAreFree) {
  PendingSlots slots(2, 1);
  const auto first = slots.admit(false);
  slots.release(first.ticket);
  EXPECT_FALSE(slots.admit(false).dropped);
  slots.release(first.ticket);
  EXPECT_EQ(slots.size(), 1u);
}

TEST(OnceFilter, LetsEachThroughOnceAndNotTooMany) {
  OnceFilter filter(2);
  EXPECT_TRUE(filter.first("a"));
  EXPECT_FALSE(filter.first("a"));
  EXPECT_TRUE(filter.first("b"));
  EXPECT_FALSE(filter.first("c"));
}

}  // namespace
}  // namespace cppwax::transport
