// Writes the entries of one new segment, block by block.
#pragma once

#include <string_view>

#include "engine/recovery/block.hpp"
#include "engine/recovery/catalog.hpp"
#include "engine/recovery/merged_segments.hpp"

namespace cppwax::recovery {

// Used by one thread, inside transactions. Until the catalog knows the segment, its blocks count
// for nothing and are removed when a run begins.
class SegmentWriter {
 public:
  SegmentWriter(BlockFile& file, std::int64_t id, StepNumber step, Epoch epoch) : file_(file) {
    segment_.id = id;
    segment_.step = step;
    segment_.epoch = epoch;
  }

  enum class Kind { kState, kDiscard };

  // REQUIRES: the key is behind the one before. Errors: StoreError.
  void add(const EntryView& entry) {
    block_.add(entry);
    count(entry.state ? Kind::kState : Kind::kDiscard);
  }
  // `entry`: its bytes, as blocks hold them.
  void add(std::string_view entry, Kind kind) {
    block_.add(entry);
    count(kind);
  }
  // What is in the file of it by now.
  std::int64_t bytes() const { return segment_.bytes; }
  Segment finish() {
    if (!block_.empty()) flush();
    return segment_;
  }

 private:
  void count(Kind kind) {
    ++segment_.entries;
    segment_.discards += kind == Kind::kDiscard;
    if (block_.full()) flush();
  }
  void flush() {
    const std::string_view body = block_.finish();
    file_.insert({segment_.id, segment_.blocks}, body);
    ++segment_.blocks;
    segment_.bytes += static_cast<std::int64_t>(body.size());
    block_.clear();
  }

  BlockFile& file_;
  Segment segment_;
  BlockBuilder block_;
};

}  // namespace cppwax::recovery
