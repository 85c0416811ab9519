// What flow control counts in (docs/progress_and_snapshots.md P3).
#pragma once

#include <cstdint>

namespace cppwax::data {

struct Amount {
  std::int64_t items = 0;
  std::int64_t bytes = 0;

  Amount& operator+=(const Amount& other) {
    items += other.items;
    bytes += other.bytes;
    return *this;
  }
  bool operator==(const Amount&) const = default;
};

}  // namespace cppwax::data
