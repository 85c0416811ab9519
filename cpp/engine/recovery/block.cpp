#include "engine/recovery/block.hpp"

#include <xxhash.h>

#include <bit>
#include <cstring>

namespace cppwax::recovery {

namespace {

// A size of state that no state can have: SQLite's longest value is shorter.
constexpr std::uint32_t kDiscard = 0xffffffff;
constexpr std::size_t kEntryHead = 8;

std::uint32_t little_endian(std::uint32_t number) {
  if constexpr (std::endian::native == std::endian::big) return __builtin_bswap32(number);
  return number;
}

void put_number(std::string& to, std::uint32_t number) {
  const std::uint32_t stored = little_endian(number);
  char bytes[sizeof stored];
  std::memcpy(bytes, &stored, sizeof stored);
  to.append(bytes, sizeof stored);
}

std::uint32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t stored;
  std::memcpy(&stored, bytes.data() + at, sizeof stored);
  return little_endian(stored);
}

}  // namespace

std::int64_t block_checksum(BlockPlace place, std::string_view body) {
  const auto seed = static_cast<XXH64_hash_t>(place.value());
  return static_cast<std::int64_t>(XXH3_64bits_withSeed(body.data(), body.size(), seed));
}

void BlockBuilder::add(const EntryView& entry) {
  put_number(index_, static_cast<std::uint32_t>(body_.size()));
  put_number(body_, static_cast<std::uint32_t>(entry.key.size()));
  put_number(body_, entry.state ? static_cast<std::uint32_t>(entry.state->size()) : kDiscard);
  body_.append(entry.key);
  if (entry.state) body_.append(*entry.state);
  ++count_;
}

std::string_view BlockBuilder::finish() {
  put_number(index_, count_);
  body_.append(index_);
  return body_;
}

void BlockBuilder::clear() {
  body_.clear();
  index_.clear();
  count_ = 0;
}

bool BlockReader::open(std::string body) {
  body_ = std::move(body);
  at_ = count_ = 0;
  broken_ = false;
  if (body_.size() < sizeof count_) return false;
  const std::uint64_t count = number_at(body_, body_.size() - sizeof count_);
  const std::uint64_t index_bytes = (count + 1) * sizeof count_;
  if (index_bytes > body_.size()) return false;
  index_at_ = body_.size() - index_bytes;
  count_ = static_cast<std::uint32_t>(count);
  return true;
}

bool BlockReader::next(EntryView& entry) {
  if (at_ == count_) return false;
  const std::uint64_t at = number_at(body_, index_at_ + sizeof at_ * at_);
  ++at_;
  broken_ = at + kEntryHead > index_at_;
  if (broken_) return false;
  const std::uint64_t key_size = number_at(body_, at);
  const std::uint32_t state_size = number_at(body_, at + 4);
  const bool discard = state_size == kDiscard;
  const std::uint64_t end = at + kEntryHead + key_size + (discard ? 0 : state_size);
  broken_ = end > index_at_;
  if (broken_) return false;
  entry.key = {body_.data() + at + kEntryHead, key_size};
  entry.state.reset();
  if (!discard) entry.state = {body_.data() + at + kEntryHead + key_size, state_size};
  return true;
}

}  // namespace cppwax::recovery
