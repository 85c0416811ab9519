// A block: up to some 4,000 entries of one step, sorted by key, as the bytes that lie in the store
// (docs/recovery_format.md). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cppwax::recovery {

// An entry that lies in bytes of somebody else.
struct EntryView {
  std::string_view key;
  std::optional<std::string_view> state;
};

// The bytes of an entry as blocks hold them, behind others.
void append_entry(std::string& to, const EntryView& entry);
// Reads the entry that begins at `at`, which becomes where the next one begins. False: there is
// none that lies within the bytes.
bool read_entry(std::string_view bytes, std::size_t& at, EntryView& entry);

// Where a block lies: its segment and its number in it.
struct BlockPlace {
  std::int64_t segment = 0;
  std::int64_t number = 0;

  // Blocks of one segment lie side by side.
  std::int64_t value() const { return segment << kNumberBits | number; }
  static BlockPlace of(std::int64_t value) {
    return {value >> kNumberBits, value & (kMostBlocks - 1)};
  }
  static constexpr int kNumberBits = 20;
  static constexpr std::int64_t kMostBlocks = std::int64_t{1} << kNumberBits;
};

// Over the bytes and the place: a block that lies where another should is found too.
std::int64_t block_checksum(BlockPlace place, std::string_view body);

class BlockBuilder {
 public:
  // `entry`: as `append_entry` has made it. REQUIRES: the key is behind the one before.
  void add(std::string_view entry);
  void add(const EntryView& entry);
  bool empty() const { return count_ == 0; }
  bool full() const { return count_ >= kMostEntries || body_.size() >= kEnoughBytes; }
  // The block; it lives until the next call of `clear`, after which another may begin.
  std::string_view finish();
  void clear();

 private:
  static constexpr std::uint32_t kMostEntries = 4000;
  static constexpr std::size_t kEnoughBytes = 256 * 1024;

  std::string body_;
  std::uint32_t count_ = 0;
};

// The entries of one block, one after the other.
class BlockReader {
 public:
  // Returns whether these bytes are a block.
  bool open(std::string body);
  // How many there are in all.
  std::uint32_t count() const { return count_; }
  // Returns whether there was one more; its bytes live until the next `open`.
  bool next(EntryView& entry);
  // Of the entry that `next` told last, as the block has it.
  std::string_view bytes() const { return std::string_view(body_).substr(begin_, at_ - begin_); }
  // Whether an entry turned out not to lie within the block.
  bool broken() const { return broken_; }

 private:
  std::string body_;
  std::size_t begin_ = 0;
  std::size_t at_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t read_ = 0;
  bool broken_ = false;
};

}  // namespace cppwax::recovery
