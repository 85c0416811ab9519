// Items for the engine's tests: a payload of integers, and the codec over it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/data/codec.hpp"
#include "engine/data/payload.hpp"

namespace cppwax::test {

using Ints = std::vector<std::int64_t>;

class IntPayload final : public data::Payload {
 public:
  explicit IntPayload(Ints values) : values_(std::move(values)), parts_{values_.size()} {}

  std::size_t size() const override { return values_.size(); }
  std::size_t bytes_estimate() const override { return values_.size() * kItemBytes; }
  data::PayloadPtr share() const override {
    auto shared = std::make_unique<IntPayload>(values_);
    shared->parts_ = parts_;
    return shared;
  }
  data::PayloadPtr take_front(std::size_t count) override {
    ENGINE_ASSERT(count <= values_.size(), count, values_.size());
    const auto middle = values_.begin() + static_cast<std::ptrdiff_t>(count);
    auto front = std::make_unique<IntPayload>(Ints(values_.begin(), middle));
    values_.erase(values_.begin(), middle);
    for (std::size_t left = count; left > 0;) {
      const std::size_t taken = std::min(left, parts_.front());
      front->parts_.back() = taken;
      left -= taken;
      if (left > 0) front->parts_.push_back(0);
      if ((parts_.front() -= taken) == 0) parts_.pop_front();
    }
    return front;
  }
  void append(data::PayloadPtr other) override {
    auto& more = dynamic_cast<IntPayload&>(*other);
    values_.insert(values_.end(), more.values_.begin(), more.values_.end());
    parts_.insert(parts_.end(), more.parts_.begin(), more.parts_.end());
    more.values_.clear();
    more.parts_.clear();
  }
  std::size_t part_count() const override { return values_.empty() ? 0 : parts_.size(); }
  data::PayloadPtr take_part() override { return take_front(parts_.front()); }

  const Ints& values() const { return values_; }

  static constexpr std::size_t kItemBytes = sizeof(std::int64_t);

 private:
  Ints values_;
  std::deque<std::size_t> parts_;  // sizes
};

inline data::PayloadPtr ints(Ints values) {
  return std::make_unique<IntPayload>(std::move(values));
}

// first, first + 1, …
inline Ints counting(std::size_t count, std::int64_t first = 0) {
  Ints values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

// REQUIRES: a payload of this file. No payload counts as no items.
inline Ints values_of(const data::Payload& payload) {
  return dynamic_cast<const IntPayload&>(payload).values();
}
inline Ints values_of(const data::PayloadPtr& payload) {
  return payload ? values_of(*payload) : Ints();
}

// Eight bytes an item, the low one first.
class IntCodec final : public data::PayloadCodec {
 public:
  data::Encoded encode(const data::Payload& payload) const override {
    const Ints& values = values_of(payload);
    data::Buffer buffer = data::allocate_buffer(values.size() * IntPayload::kItemBytes);
    std::byte* next = buffer.data.get();
    for (const std::int64_t value : values) {
      for (std::size_t i = 0; i < IntPayload::kItemBytes; ++i) {
        *next++ = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i));
      }
    }
    return {std::move(buffer)};
  }

  data::PayloadPtr decode(data::Encoded encoded) const override {
    if (encoded.size() != 1 || encoded[0].size % IntPayload::kItemBytes != 0) {
      throw UserCodeError("decoding a batch of integers", nullptr);
    }
    const std::span bytes(encoded[0].data.get(), encoded[0].size);
    Ints values(bytes.size() / IntPayload::kItemBytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      auto value = static_cast<std::uint64_t>(values[i / IntPayload::kItemBytes]);
      value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * (i % IntPayload::kItemBytes));
      values[i / IntPayload::kItemBytes] = static_cast<std::int64_t>(value);
    }
    return ints(std::move(values));
  }
};

}  // namespace cppwax::test
