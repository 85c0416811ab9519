// How numbers and texts lie in frames and hellos (docs/wire_format.md): big-endian, texts with
// their length before them. Reading takes any bytes and never reads beyond them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cppwax::transport {

using WireBytes = std::vector<std::byte>;

// Why bytes from the wire were refused.
enum class WireError : std::uint8_t {
  kUnknownType,    // a frame of a type that does not exist
  kReserved,       // bits that must be zero are not
  kFrameTooLong,   // a frame declares more than its type may have
  kTooShort,       // a frame ends inside a field
  kTooLong,        // a frame goes on behind its last field
  kTextTooLong,    // a text is longer than its field allows
  kBadValue,       // a number that means nothing there
  kNotYours,       // a worker, channel, step or process that the sender cannot speak for or to
  kBatchTooLarge,  // a batch declares more than --max-batch-bytes
  kBatchOpen,      // a message on a lane whose batch is not complete
  kNoBatch,        // a fragment of no batch, or beyond its batch
  kEmptyFragment,  // a fragment that brings nothing
  kNoMemory,       // no memory for what was declared
};

// A clause that follows "the peer sent".
const char* describe(WireError error);

template <class T>
using Decoded = std::variant<T, WireError>;

// Appends to bytes that it does not own. Belongs to one thread.
class WireWriter {
 public:
  explicit WireWriter(WireBytes& out) : out_(out) {}

  template <std::unsigned_integral T>
  void number(T value) {
    for (std::size_t shift = 8 * sizeof(T); shift > 0; shift -= 8) {
      out_.push_back(static_cast<std::byte>(value >> (shift - 8)));
    }
  }
  void raw(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    const std::size_t at = out_.size();
    out_.resize(at + bytes.size());
    std::memcpy(out_.data() + at, bytes.data(), bytes.size());
  }
  void raw(std::string_view text) { raw(std::as_bytes(std::span(text))); }
  // `Length` is the type of the length before it. REQUIRES: it holds the text's size.
  template <std::unsigned_integral Length>
  void text(std::string_view text) {
    number(static_cast<Length>(text.size()));
    raw(text);
  }

 private:
  WireBytes& out_;
};

// Reads what a writer wrote. After the first failure everything reads as zero and empty, and
// `failure` tells of it: one check at the end is enough. Belongs to one thread; does not own.
class WireReader {
 public:
  explicit WireReader(std::span<const std::byte> bytes) : left_(bytes) {}

  template <std::unsigned_integral T>
  T number() {
    const std::span<const std::byte> bytes = take(sizeof(T));
    T value = 0;
    for (const std::byte byte : bytes) {
      value = static_cast<T>(static_cast<T>(value << 7 << 1) | std::to_integer<T>(byte));
    }
    return value;
  }
  std::span<const std::byte> take(std::size_t size) {
    if (size > left_.size()) fail(WireError::kTooShort);
    if (failed_) return {};
    const std::span<const std::byte> taken = left_.first(size);
    left_ = left_.subspan(size);
    return taken;
  }
  template <std::unsigned_integral Length>
  std::string text(std::size_t limit) {
    const auto size = number<Length>();
    if (size > limit) fail(WireError::kTextTooLong);
    const std::span<const std::byte> bytes = take(size);
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  // Notes a failure that the caller found. The first one stays.
  void fail(WireError error) {
    if (failed_) return;
    failed_ = true;
    error_ = error;
  }
  // Notes one if anything is left.
  void finish() {
    if (!left_.empty()) fail(WireError::kTooLong);
  }

  bool failed() const { return failed_; }
  WireError error() const { return error_; }
  std::size_t left() const { return left_.size(); }

 private:
  std::span<const std::byte> left_;
  bool failed_ = false;
  WireError error_ = WireError::kTooShort;
};

// At most `limit` bytes of it, not ending inside a character of UTF-8, and saying that it was cut.
std::string cut_text(std::string_view text, std::size_t limit);

}  // namespace cppwax::transport
