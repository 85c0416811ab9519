// The contract of joined payloads, on the integer payload that the other tests rely on.
#include <gmock/gmock.h>

#include "support/int_payload.hpp"

namespace cppwax::data {
namespace {

using test::ints;
using test::Ints;
using test::values_of;
using testing::ElementsAre;

PayloadPtr joined() {
  PayloadPtr payload = ints({1, 2});
  payload->append(ints({3}));
  payload->append(ints({4, 5, 6}));
  return payload;
}

std::vector<Ints> parts_of(PayloadPtr payload) {
  std::vector<Ints> parts;
  while (payload->part_count() > 0) parts.push_back(values_of(payload->take_part()));
  return parts;
}

TEST(PayloadParts, AppendKeepsWhatWasOneBatch) {
  EXPECT_EQ(joined()->part_count(), 3u);
  EXPECT_EQ(joined()->size(), 6u);
  EXPECT_THAT(parts_of(joined()),
              ElementsAre(ElementsAre(1, 2), ElementsAre(3), ElementsAre(4, 5, 6)));
}

TEST(PayloadParts, APayloadThatWasNotJoinedIsOne) {
  EXPECT_EQ(ints({1, 2})->part_count(), 1u);
  EXPECT_EQ(ints({})->part_count(), 0u);
}

TEST(PayloadParts, ShareKeepsThem) {
  EXPECT_THAT(parts_of(joined()->share()),
              ElementsAre(ElementsAre(1, 2), ElementsAre(3), ElementsAre(4, 5, 6)));
}

TEST(PayloadParts, TakeFrontCutsThem) {
  PayloadPtr payload = joined();
  EXPECT_THAT(parts_of(payload->take_front(4)),
              ElementsAre(ElementsAre(1, 2), ElementsAre(3), ElementsAre(4)));
  EXPECT_THAT(parts_of(std::move(payload)), ElementsAre(ElementsAre(5, 6)));
}

TEST(PayloadParts, TakeFrontAtABoundary) {
  PayloadPtr payload = joined();
  EXPECT_THAT(parts_of(payload->take_front(2)), ElementsAre(ElementsAre(1, 2)));
  EXPECT_THAT(parts_of(std::move(payload)), ElementsAre(ElementsAre(3), ElementsAre(4, 5, 6)));
}

}  // namespace
}  // namespace cppwax::data
