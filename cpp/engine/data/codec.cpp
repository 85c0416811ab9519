#include "engine/data/codec.hpp"

namespace cppwax::data {

Buffer allocate_buffer(std::size_t size) {
  if (size == 0) return {};
  return {std::shared_ptr<std::byte>(new std::byte[size], std::default_delete<std::byte[]>()), size,
          true};
}

std::size_t total_size(const Encoded& encoded) {
  std::size_t size = 0;
  for (const Buffer& buffer : encoded) size += buffer.size;
  return size;
}

}  // namespace cppwax::data
