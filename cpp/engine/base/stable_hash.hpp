// The hash that decides which worker owns a key: the same on every process, machine and run,
// because resumed state and peers must agree on it (docs/decisions/0004-stable-hash.md).
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/ids.hpp"

namespace cppwax {

// XXH3, 64 bits, seed 0, over the bytes (a key's UTF-8). Never change it: it is a storage format.
std::uint64_t stable_hash(std::string_view bytes);

// The worker of `worker_count` that owns a key. REQUIRES: worker_count > 0.
inline WorkerIndex owner_of(std::uint64_t hash, std::uint32_t worker_count) {
  return WorkerIndex(static_cast<std::uint32_t>(hash % worker_count));
}

}  // namespace cppwax
