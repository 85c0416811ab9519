// Several segments of one step read as one: each key once, as the newest of them has it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/recovery/block.hpp"
#include "engine/recovery/catalog.hpp"

namespace cppwax::recovery {

// The blocks of a file. Used by one thread. Keeps no statement open between two blocks: that would
// keep the log from being brought into the file.
class BlockFile {
 public:
  explicit BlockFile(Database& database);

  Database& database() { return database_; }
  // REQUIRES: an open transaction.
  void insert(BlockPlace place, std::string_view body);
  void remove(std::int64_t segment, std::int64_t first, std::int64_t last);
  // Of segments that the catalog does not know. Errors: StoreError, here and below.
  void remove_unknown();
  // Errors: also if there is no such block or its bytes are not what was written.
  void read(BlockPlace place, BlockReader& block);
  // Reads all of these segments. Errors: also if blocks or entries are missing.
  void check(const std::map<std::int64_t, Segment>& segments);

 private:
  Database& database_;
  Statement insert_;
  Statement remove_;
  Statement read_;
};

// Used by one thread. Memory: a block of each segment.
class MergedSegments {
 public:
  // `segments`: the oldest first.
  MergedSegments(BlockFile& file, const std::vector<Segment>& segments);

  // Returns whether there was one more, in order of keys; its bytes live until the next call.
  // Discards are told too. Errors: StoreError.
  bool next(EntryView& entry);
  // Where the entry told last lies. REQUIRES: `next` has told one.
  const Segment& segment() const { return told().segment; }
  bool from_newest() const { return heap_[0].cursor + 1 == cursors_.size(); }
  // Its bytes as blocks hold them; they live as the entry's do.
  std::string_view bytes() const { return told().block.bytes(); }

 private:
  struct Cursor {
    Segment segment;
    std::int64_t next_block = 0;
    BlockReader block;
    EntryView entry;
  };
  // What is compared first: the key's first bytes as a number.
  struct Head {
    std::uint64_t prefix = 0;
    std::size_t cursor = 0;
  };

  const Cursor& told() const { return cursors_[heap_[0].cursor]; }
  bool advance(std::size_t cursor);
  bool comes_before(const Head& left, const Head& right) const;
  std::size_t least_child(std::size_t at) const;
  bool is_told(std::size_t at) const;
  void move_on(std::size_t at);

  BlockFile& file_;
  std::vector<Cursor> cursors_;
  std::vector<Head> heap_;
  bool started_ = false;
};

}  // namespace cppwax::recovery
