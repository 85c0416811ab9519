// The hash is a storage format: resumed state and peers must find the same owner for a key. If a
// vector here fails, the code is wrong, never the vector.
#include "engine/base/stable_hash.hpp"

#include <gmock/gmock.h>

#include <array>
#include <string>

namespace cppwax {
namespace {

struct Vector {
  std::size_t length;
  std::uint64_t hash;
};

// The bytes over which the authors of xxHash publish their vectors.
std::string sanity_bytes(std::size_t length) {
  constexpr std::uint64_t kPrime32 = 2654435761U;
  constexpr std::uint64_t kPrime64 = 11400714785074694797ULL;
  std::string bytes;
  for (std::uint64_t generator = kPrime32; bytes.size() < length; generator *= kPrime64) {
    bytes.push_back(static_cast<char>(generator >> 56));
  }
  return bytes;
}

// One length for each of the ways in which XXH3 goes through its input.
class StableHashVector : public testing::TestWithParam<Vector> {};

TEST_P(StableHashVector, IsXxh3WithSeedZero) {
  EXPECT_EQ(stable_hash(sanity_bytes(GetParam().length)), GetParam().hash);
}

INSTANTIATE_TEST_SUITE_P(
    Published, StableHashVector,
    testing::Values(Vector{0, 0x2D06800538D394C2}, Vector{1, 0xC44BDFF4074EECDB},
                    Vector{6, 0x27B56A84CD2D7325}, Vector{12, 0xA713DAF0DFBB77E7},
                    Vector{24, 0xA3FE70BF9D3510EB}, Vector{48, 0x397DA259ECBA1F11},
                    Vector{80, 0xBCDEFBBB2C47C90A}, Vector{195, 0xCD94217EE362EC3A},
                    Vector{403, 0xCDEB804D65C6DEA4}, Vector{512, 0x617E49599013CB6B},
                    Vector{2048, 0xDD59E2C3A5F038E0}),
    [](const auto& tested) { return std::to_string(tested.param.length) + "Bytes"; });

TEST(StableHash, OfKeysAsUsersWriteThem) {
  EXPECT_EQ(stable_hash("a"), 0xE6C632B61E964E1F);
  EXPECT_EQ(stable_hash("user-42"), 0x50FE4B21CF7B09CD);
  EXPECT_EQ(stable_hash("k\xc3\xa4se"), 0xC3B8A562FBCFDFB1);
}

TEST(StableHash, TakesZeroBytesAsContent) {
  using namespace std::string_view_literals;
  EXPECT_NE(stable_hash("a\0b"sv), stable_hash("a\0c"sv));
  EXPECT_EQ(stable_hash(std::string_view()), stable_hash(""));
}

TEST(OwnerOf, IsTheRemainder) {
  EXPECT_EQ(owner_of(17, 1), WorkerIndex(0));
  EXPECT_EQ(owner_of(17, 5), WorkerIndex(2));
  EXPECT_EQ(owner_of(~std::uint64_t{0}, 10), WorkerIndex(5));
}

TEST(OwnerOf, SpreadsKeys) {
  std::array<int, 4> keys{};
  for (int i = 0; i < 4'000; ++i) {
    ++keys[owner_of(stable_hash("key-" + std::to_string(i)), 4).value()];
  }
  EXPECT_THAT(keys, testing::Each(testing::AllOf(testing::Gt(900), testing::Lt(1'100))));
}

}  // namespace
}  // namespace cppwax
