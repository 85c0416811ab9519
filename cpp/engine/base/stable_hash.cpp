#include "engine/base/stable_hash.hpp"

#include <xxhash.h>

namespace cppwax {

std::uint64_t stable_hash(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace cppwax
