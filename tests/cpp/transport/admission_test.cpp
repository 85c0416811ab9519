#include "engine/transport/admission.hpp"

#include <gmock/gmock.h>

namespace cppwax::transport {
namespace {

TEST(PendingSlots, EachKindReplacesItsOldest) {
  for (const bool known : {true, false}) {
    PendingSlots slots(6, 2);
    for (PendingSlots::Ticket ticket = 0; ticket < 4; ++ticket) {
      const auto admission = slots.admit(known);
      EXPECT_EQ(admission.ticket, ticket);
      EXPECT_FALSE(admission.dropped);
    }
    EXPECT_EQ(slots.admit(known).dropped, 0u);
    EXPECT_EQ(slots.admit(known).dropped, 1u);
    EXPECT_EQ(slots.size(), 4u);
  }
}

TEST(PendingSlots, EachKindFindsRoomWhateverTheOtherDoes) {
  for (const bool known : {true, false}) {
    PendingSlots slots(6, 2);
    for (int i = 0; i < 10; ++i) slots.admit(!known);
    EXPECT_FALSE(slots.admit(known).dropped);
    EXPECT_FALSE(slots.admit(known).dropped);
    EXPECT_EQ(slots.admit(known).dropped, 10u);  // its own oldest
    EXPECT_EQ(slots.admit(!known).dropped, 6u);
    EXPECT_EQ(slots.size(), 6u);
  }
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
