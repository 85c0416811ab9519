// The contract of payload.hpp and codec.hpp, on the payload that the engine's tests use.
#include "support/int_payload.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace cppwax::test {
namespace {

TEST(IntPayload, CountsItemsAndBytes) {
  EXPECT_EQ(ints({1, 2, 3})->size(), 3u);
  EXPECT_EQ(ints({1, 2, 3})->bytes_estimate(), 24u);
}

TEST(IntPayload, TakesTheFirstItemsOff) {
  const auto payload = ints({1, 2, 3, 4, 5});
  EXPECT_EQ(values_of(payload->take_front(2)), (Ints{1, 2}));
  EXPECT_EQ(values_of(payload->take_front(0)), Ints());
  EXPECT_EQ(values_of(payload), (Ints{3, 4, 5}));
  EXPECT_THROW(payload->take_front(4), InvariantError);
}

TEST(IntPayload, SharedListsAreApart) {
  const auto payload = ints({1, 2, 3});
  const auto shared = payload->share();
  payload->take_front(3);
  EXPECT_EQ(values_of(shared), (Ints{1, 2, 3}));
}

TEST(IntCodec, GivesTheSameItemsBack) {
  const Ints values{0,
                    1,
                    -1,
                    255,
                    256,
                    std::numeric_limits<std::int64_t>::min(),
                    std::numeric_limits<std::int64_t>::max()};
  const IntCodec codec;
  EXPECT_EQ(values_of(codec.decode(codec.encode(*ints(values)))), values);
}

TEST(IntCodec, RefusesHalfAnItem) {
  EXPECT_THROW(IntCodec().decode({data::allocate_buffer(12)}), UserCodeError);
}

}  // namespace
}  // namespace cppwax::test
