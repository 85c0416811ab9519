// The checksum of one row of a recovery partition, kept in the row itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cppwax::recovery {

// XXH3, 64 bits, over the table's name and all fields. Never change it: it is a storage format.
class RowHash {
 public:
  explicit RowHash(std::string_view table) { add(table); }

  RowHash& add(std::uint64_t number);
  RowHash& add(std::int64_t number) { return add(static_cast<std::uint64_t>(number)); }
  RowHash& add(std::string_view bytes);
  std::int64_t value() const;

 private:
  std::string bytes_;
};

}  // namespace cppwax::recovery
