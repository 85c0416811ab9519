// The seam between payloads and bytes, for items that leave the process. The bindings implement it
// with pickle, the tests with integers; a transport carries the bytes and never looks at them.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/data/payload.hpp"

namespace cppwax::data {

using Bytes = std::vector<std::byte>;

// Used on a worker, inside its UserCodeScope.
class PayloadCodec {
 public:
  virtual ~PayloadCodec() = default;
  virtual Bytes encode(const Payload& payload) const = 0;
  // Errors: UserCodeError if an item cannot be made again from the bytes.
  virtual PayloadPtr decode(const Bytes& bytes) const = 0;
};

}  // namespace cppwax::data
