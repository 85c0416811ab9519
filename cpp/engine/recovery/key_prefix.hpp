// Keys as numbers, for comparisons that need not look at most of them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace cppwax::recovery {

// The first eight bytes of a key as a number: different ones are in the order of their keys.
inline std::uint64_t key_prefix(std::string_view key) {
  std::uint64_t prefix = 0;
  if (key.size() >= sizeof prefix) {
    std::memcpy(&prefix, key.data(), sizeof prefix);
  } else {
    std::memcpy(&prefix, key.data(), key.size());
  }
  if constexpr (std::endian::native == std::endian::little) prefix = __builtin_bswap64(prefix);
  return prefix;
}

}  // namespace cppwax::recovery
