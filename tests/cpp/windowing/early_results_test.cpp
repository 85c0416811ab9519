#include "engine/windowing/early_results.hpp"

#include <gmock/gmock.h>

namespace cppwax::windowing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Micros kNow = 1'700'000'000'000'000;

Micros never_asked() {
  ADD_FAILURE() << "the time does not matter";
  return 0;
}

TEST(EarlyResults, TellAtOnceInTheOrderOfTheFirstChange) {
  EarlyResults early;
  for (const WindowId id : {7, 3, 7, 5}) early.note(id, 0, never_asked);
  EXPECT_EQ(early.due(), std::nullopt);
  EXPECT_THAT(early.take(never_asked), ElementsAre(7, 3, 5));
  EXPECT_THAT(early.take(never_asked), IsEmpty());
}

TEST(EarlyResults, TellSoLongAfterTheFirstChange) {
  EarlyResults early;
  early.note(1, 10, [] { return kNow; });
  early.note(2, 10, never_asked);
  EXPECT_EQ(early.due(), kNow + 10);
  EXPECT_THAT(early.take([] { return kNow + 9; }), IsEmpty());
  EXPECT_THAT(early.take([] { return kNow + 10; }), ElementsAre(1, 2));
  EXPECT_EQ(early.due(), std::nullopt);
  early.note(1, 10, [] { return kNow + 50; });
  EXPECT_EQ(early.due(), kNow + 60) << "the next change begins anew";
}

TEST(EarlyResults, AWindowThatIsNoMoreDoesNotTell) {
  EarlyResults early;
  early.note(1, 10, [] { return kNow; });
  early.note(2, 10, never_asked);
  early.forget(1);
  EXPECT_THAT(early.changed(), ElementsAre(2));
  EXPECT_EQ(early.due(), kNow + 10);
  early.forget(2);
  EXPECT_EQ(early.due(), std::nullopt) << "nobody waits for it";
  EXPECT_THAT(early.take(never_asked), IsEmpty());
}

}  // namespace
}  // namespace cppwax::windowing
