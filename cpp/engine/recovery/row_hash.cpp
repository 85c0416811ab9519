#include "engine/recovery/row_hash.hpp"

#include "engine/base/stable_hash.hpp"

namespace cppwax::recovery {

RowHash& RowHash::add(std::uint64_t number) {
  for (int byte = 0; byte < 8; ++byte) bytes_ += static_cast<char>(number >> (8 * byte) & 0xff);
  return *this;
}

RowHash& RowHash::add(std::string_view bytes) {
  add(static_cast<std::uint64_t>(bytes.size()));
  bytes_ += bytes;
  return *this;
}

std::int64_t RowHash::value() const {
  return static_cast<std::int64_t>(stable_hash(bytes_));
}

}  // namespace cppwax::recovery
