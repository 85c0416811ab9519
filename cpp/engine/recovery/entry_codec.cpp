#include "engine/recovery/entry_codec.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/error.hpp"

namespace cppwax::recovery {

namespace {

// Step, then for each entry: key, whether it has a state, the state. Texts have their length, eight
// bytes, before them. Both ends run the same version on the same kind of machine (the hello of the
// network layer sees to it), so numbers lie as they lie in memory.
constexpr std::size_t kLengthBytes = sizeof(std::uint64_t);
constexpr std::size_t kFlagBytes = 1;

std::size_t encoded_size(const StepEntries& of_step) {
  std::size_t size = kLengthBytes + of_step.step().size();
  for (const Entry& entry : of_step.entries()) {
    size += kLengthBytes + entry.key.size() + kFlagBytes;
    if (entry.state) size += kLengthBytes + entry.state->size();
  }
  return size;
}

class Writer {
 public:
  explicit Writer(std::byte* at) : at_(at) {}
  void text(std::string_view text) {
    const std::uint64_t length = text.size();
    put(&length, kLengthBytes);
    put(text.data(), text.size());
  }
  void flag(bool value) { *at_++ = std::byte{value}; }

 private:
  void put(const void* from, std::size_t size) {
    if (size > 0) std::memcpy(at_, from, size);
    at_ += size;
  }
  std::byte* at_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> left) : left_(left) {}
  bool at_end() const { return left_.empty(); }
  std::string text() {
    std::uint64_t length = 0;
    std::memcpy(&length, take(kLengthBytes).data(), kLengthBytes);
    const std::span<const std::byte> bytes = take(length);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  bool flag() { return take(kFlagBytes)[0] != std::byte{0}; }

 private:
  std::span<const std::byte> take(std::uint64_t size) {
    if (size > left_.size()) {
      throw TransportError("a peer sent states that end inside an entry; it runs another cppwax");
    }
    const auto taken = left_.first(static_cast<std::size_t>(size));
    left_ = left_.subspan(taken.size());
    return taken;
  }
  std::span<const std::byte> left_;
};

}  // namespace

data::Encoded EntryCodec::encode(const data::Payload& payload) const {
  const auto* of_step = dynamic_cast<const StepEntries*>(&payload);
  ENGINE_ASSERT(of_step != nullptr);
  data::Buffer buffer = data::allocate_buffer(encoded_size(*of_step));
  Writer out(buffer.data.get());
  out.text(of_step->step());
  for (const Entry& entry : of_step->entries()) {
    out.text(entry.key);
    out.flag(entry.state.has_value());
    if (entry.state) out.text(*entry.state);
  }
  return {std::move(buffer)};
}

data::PayloadPtr EntryCodec::decode(data::Encoded encoded) const {
  Reader in(encoded.empty() ? std::span<const std::byte>()
                            : std::span<const std::byte>(encoded[0].data.get(), encoded[0].size));
  StepId step = in.text();
  Entries entries;
  while (!in.at_end()) {
    Entry& entry = entries.emplace_back();
    entry.key = in.text();
    if (in.flag()) entry.state = in.text();
  }
  return std::make_unique<StepEntries>(std::move(step), std::move(entries));
}

}  // namespace cppwax::recovery
