#include "engine/recovery/block.hpp"

#include <xxhash.h>

#include <bit>
#include <cstring>

namespace cppwax::recovery {

namespace {

// Sizes are below this, for SQLite's longest value is shorter: they have at most five bytes.
constexpr std::uint64_t kSizeLimit = std::uint64_t{1} << 35;
constexpr int kBitsAByte = 7;
constexpr unsigned char kMore = 0x80;

// Seven bits a byte, the lowest first; the highest bit says that another byte follows.
char* put_size(char* to, std::uint64_t size) {
  for (; size >= kMore; size >>= kBitsAByte) *to++ = static_cast<char>(size | kMore);
  *to++ = static_cast<char>(size);
  return to;
}

bool read_size(std::string_view bytes, std::size_t& at, std::uint64_t& size) {
  size = 0;
  for (std::uint64_t unit = 1; unit < kSizeLimit && at < bytes.size(); unit <<= kBitsAByte) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    size += (byte & (kMore - 1)) * unit;
    if (byte < kMore) return true;
  }
  return false;
}

std::uint32_t little_endian(std::uint32_t number) {
  if constexpr (std::endian::native == std::endian::big) return __builtin_bswap32(number);
  return number;
}

}  // namespace

std::int64_t block_checksum(BlockPlace place, std::string_view body) {
  const auto seed = static_cast<XXH64_hash_t>(place.value());
  return static_cast<std::int64_t>(XXH3_64bits_withSeed(body.data(), body.size(), seed));
}

void append_entry(std::string& to, const EntryView& entry) {
  char sizes[10];
  char* end = put_size(sizes, entry.key.size());
  end = put_size(end, entry.state ? entry.state->size() + 1 : 0);
  to.append(sizes, end);
  to.append(entry.key);
  if (entry.state) to.append(*entry.state);
}

bool read_entry(std::string_view bytes, std::size_t& at, EntryView& entry) {
  std::uint64_t key_size = 0;
  std::uint64_t stored_size = 0;
  if (!read_size(bytes, at, key_size) || !read_size(bytes, at, stored_size)) return false;
  const std::uint64_t state_size = stored_size > 0 ? stored_size - 1 : 0;
  if (key_size + state_size > bytes.size() - at) return false;
  entry.key = bytes.substr(at, key_size);
  at += key_size;
  entry.state.reset();
  if (stored_size > 0) entry.state = bytes.substr(at, state_size);
  at += state_size;
  return true;
}

void BlockBuilder::add(std::string_view entry) {
  body_.append(entry);
  ++count_;
}

void BlockBuilder::add(const EntryView& entry) {
  append_entry(body_, entry);
  ++count_;
}

std::string_view BlockBuilder::finish() {
  const std::uint32_t stored = little_endian(count_);
  body_.append(reinterpret_cast<const char*>(&stored), sizeof stored);
  return body_;
}

void BlockBuilder::clear() {
  body_.clear();
  count_ = 0;
}

bool BlockReader::open(std::string body) {
  body_ = std::move(body);
  begin_ = at_ = 0;
  count_ = read_ = 0;
  broken_ = false;
  if (body_.size() < sizeof count_) return false;
  std::uint32_t stored;
  std::memcpy(&stored, body_.data() + body_.size() - sizeof stored, sizeof stored);
  count_ = little_endian(stored);
  body_.resize(body_.size() - sizeof stored);
  return true;
}

bool BlockReader::next(EntryView& entry) {
  if (read_ == count_) return false;
  ++read_;
  begin_ = at_;
  broken_ = !read_entry(body_, at_, entry);
  return !broken_;
}

}  // namespace cppwax::recovery
