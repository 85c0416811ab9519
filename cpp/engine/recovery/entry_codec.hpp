// Entries as bytes, for snapshot and load streams between processes.
#pragma once

#include "engine/data/codec.hpp"
#include "engine/recovery/entry.hpp"

namespace cppwax::recovery {

// Any thread: entries hold bytes alone.
class EntryCodec final : public data::PayloadCodec {
 public:
  // REQUIRES: a payload of entries.
  data::Encoded encode(const data::Payload& payload) const override;
  // Errors: TransportError for bytes that `encode` did not make.
  data::PayloadPtr decode(data::Encoded encoded) const override;
};

}  // namespace cppwax::recovery
