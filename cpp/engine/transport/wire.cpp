#include "engine/transport/wire.hpp"

namespace cppwax::transport {

const char* describe(WireError error) {
  switch (error) {
    case WireError::kUnknownType:
      return "a frame of an unknown type";
    case WireError::kReserved:
      return "a frame with reserved bits set";
    case WireError::kFrameTooLong:
      return "a frame longer than its type allows";
    case WireError::kTooShort:
      return "a frame that ends inside a field";
    case WireError::kTooLong:
      return "a frame that goes on behind its last field";
    case WireError::kTextTooLong:
      return "a text longer than its field allows";
    case WireError::kBadValue:
      return "a number without a meaning";
    case WireError::kNotYours:
      return "a message for or from a worker, channel or step that is not its own";
    case WireError::kBatchTooLarge:
      return "a batch larger than --max-batch-bytes allows here";
    case WireError::kBatchOpen:
      return "a message in the middle of a batch";
    case WireError::kNoBatch:
      return "a piece of a batch that was not announced";
    case WireError::kEmptyFragment:
      return "an empty piece of a batch";
    case WireError::kNoMemory:
      return "a batch for which there is no memory here";
  }
  return "something unknown";
}

std::string cut_text(std::string_view text, std::size_t limit) {
  constexpr std::string_view kCut = " [cut]";
  if (text.size() <= limit) return std::string(text);
  std::size_t size = limit > kCut.size() ? limit - kCut.size() : 0;
  // Bytes 10xxxxxx continue a character.
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return std::string(text.substr(0, size)) + std::string(limit > kCut.size() ? kCut : "");
}

}  // namespace cppwax::transport
