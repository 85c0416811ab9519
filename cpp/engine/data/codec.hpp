// The seam between payloads and bytes, for items that leave the process. The bindings implement it
// with pickle, the tests with integers; a transport carries the bytes and never looks at them.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/data/payload.hpp"

namespace cppwax::data {

// One piece of memory of an encoded payload. Copies share it; the last one to go releases it, on
// whatever thread that is: an owner that needs a thread or an interpreter to die (memory of a
// Python object) puts a deleter here that hands it back to its worker.
struct Buffer {
  std::shared_ptr<std::byte> data;  // null only if `size` is 0
  std::size_t size = 0;
  // Whether the items made from it may write to it. A received buffer can always be written to; the
  // flag is what the sender said.
  bool writable = false;
};

// The first buffer tells how to make the items again (pickle bytes); further ones are large pieces
// that it refers to, in order.
using Encoded = std::vector<Buffer>;

// Memory of its own. `size` may be 0.
Buffer allocate_buffer(std::size_t size);

std::size_t total_size(const Encoded& encoded);

// Used on a worker, inside its UserCodeScope.
class PayloadCodec {
 public:
  virtual ~PayloadCodec() = default;
  // The buffers may refer to the memory of the items: no item is changed after it was emitted.
  // REQUIRES: at most kMaxBuffers buffers: small pieces belong into the first one.
  virtual Encoded encode(const Payload& payload) const = 0;
  // Errors: UserCodeError if an item cannot be made again from the bytes.
  virtual PayloadPtr decode(Encoded encoded) const = 0;

  static constexpr std::size_t kMaxBuffers = 65536;
};

}  // namespace cppwax::data
