#include "engine/recovery/block.hpp"

#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

namespace cppwax::recovery {
namespace {

using testing::ElementsAre;

std::string block_of(const std::vector<EntryView>& entries) {
  BlockBuilder builder;
  for (const EntryView& each : entries) builder.add(each);
  return std::string(builder.finish());
}

std::vector<std::string> entries_in_block(BlockReader& reader) {
  std::vector<std::string> entries;
  for (EntryView entry; reader.next(entry);) {
    entries.push_back(std::string(entry.key) + "=" + std::string(entry.state.value_or("-")));
  }
  return entries;
}

TEST(Block, KeepsEntriesInOrder) {
  BlockReader reader;
  ASSERT_TRUE(reader.open(block_of({{"", "empty key"}, {"a", ""}, {"b", {}}, {"c", "3"}})));
  EXPECT_EQ(reader.count(), 4u);
  EXPECT_THAT(entries_in_block(reader), ElementsAre("=empty key", "a=", "b=-", "c=3"));
  EXPECT_FALSE(reader.broken());
}

// These bytes lie on users' disks.
TEST(Block, HasFixedBytes) {
  std::string expected(
      "\1\3ka\0"
      "\2\0kb"
      "\310\1\1",
      12);
  const std::string long_key(200, 'l');
  expected += long_key + std::string("\3\0\0\0", 4);
  EXPECT_EQ(block_of({{"k", std::string_view("a\0", 2)}, {"kb", {}}, {long_key, ""}}), expected);
  EXPECT_EQ(block_checksum({1, 0}, expected), block_checksum({1, 0}, std::string(expected)));
  EXPECT_NE(block_checksum({1, 0}, expected), block_checksum({1, 1}, expected));
}

TEST(Block, IsFullAtManyEntriesOrBytes) {
  BlockBuilder builder;
  for (int i = 0; i < 3999; ++i) builder.add(EntryView{"k", "s"});
  EXPECT_FALSE(builder.full());
  builder.add(EntryView{"k", "s"});
  EXPECT_TRUE(builder.full());
  builder.clear();
  EXPECT_TRUE(builder.empty());
  builder.add(EntryView{"k", std::string(256 * 1024, 's')});
  EXPECT_TRUE(builder.full());
}

// A checksum vouches for a block; without it nothing is read beyond the bytes.
TEST(Block, OtherBytesAreReadWithinTheirBounds) {
  const std::string right = block_of({{"key 1", "some state"}, {"key 2", {}}, {"key 3", "more"}});
  std::mt19937_64 random(1);
  for (int i = 0; i < 5000; ++i) {
    std::string bytes = right;
    for (auto flips = random() % 4; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    bytes.resize(random() % 3 ? bytes.size() : random() % bytes.size());
    BlockReader reader;
    if (reader.open(bytes)) entries_in_block(reader);
  }
}

TEST(BlockPlace, LiesSideBySideWithItsSegment) {
  EXPECT_LT((BlockPlace{3, 100}.value()), (BlockPlace{3, 101}.value()));
  EXPECT_LT((BlockPlace{3, BlockPlace::kMostBlocks - 1}.value()), (BlockPlace{4, 0}.value()));
  const BlockPlace place = BlockPlace::of(BlockPlace{77, 5}.value());
  EXPECT_EQ(place.segment, 77);
  EXPECT_EQ(place.number, 5);
}

}  // namespace
}  // namespace cppwax::recovery
