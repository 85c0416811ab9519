#include "engine/operators/frequent_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cppwax::operators {
namespace {

using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

TEST(FrequentKeys, TheMostFrequentComesFirst) {
  FrequentKeys keys;
  for (int i = 0; i < 5; ++i) keys.add("rare");
  for (int i = 0; i < 50; ++i) keys.add("often");
  keys.add("once");
  const auto reading = keys.read(10);
  EXPECT_EQ(reading.total, 56u);
  EXPECT_THAT(reading.keys, testing::ElementsAre(Pair("often", 50u), Pair("rare", 5u)));
  EXPECT_THAT(keys.read(1).keys, SizeIs(1));
}

TEST(FrequentKeys, AHotKeyIsFoundAmongAnyNumberOfOthers) {
  FrequentKeys keys;
  for (int i = 0; i < 4000; ++i) keys.add(i % 4 == 0 ? "hot" : "key " + std::to_string(i));
  const auto reading = keys.read(FrequentKeys::kKeys);
  ASSERT_THAT(reading.keys, testing::Not(IsEmpty()));
  EXPECT_EQ(reading.keys[0].first, "hot");
  EXPECT_GT(reading.keys[0].second, 900u);
}

TEST(FrequentKeys, NoneOfKeysThatAllDifferIsHot) {
  FrequentKeys keys;
  for (int i = 0; i < 100'000; ++i) keys.add(std::to_string(i));
  EXPECT_THAT(keys.read(FrequentKeys::kKeys).keys, IsEmpty());
}

TEST(FrequentKeys, WhatCameLongAgoCountsLess) {
  FrequentKeys keys;
  for (std::uint64_t i = 0; i < FrequentKeys::kHalvedAt; ++i) keys.add("before");
  for (std::uint64_t i = 0; i < 2 * FrequentKeys::kHalvedAt; ++i) keys.add("now");
  const auto reading = keys.read(2);
  EXPECT_EQ(reading.keys[0].first, "now");
  EXPECT_LE(reading.total, FrequentKeys::kHalvedAt);
}

TEST(FrequentKeys, OfLongKeysTheFrontCountsInWholeCharacters) {
  FrequentKeys keys;
  const std::string letters(FrequentKeys::kLongest - 1, 'x');
  keys.add(letters + "\u00e9 one");
  keys.add(letters + "\u00e9 two");
  EXPECT_THAT(keys.read(1).keys, testing::ElementsAre(Pair(letters, 2u)));
}

}  // namespace
}  // namespace cppwax::operators
