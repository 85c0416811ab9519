// Memory of a declared size that is taken only as its bytes come: who declares a gigabyte and sends
// nothing costs nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <span>
#include <utility>

#include "engine/data/codec.hpp"

namespace cppwax::transport {

// Belongs to one thread. Invariant: capacity is at most twice what has come, plus kFirstBytes, and
// never beyond the declared size.
class GrowingBuffer {
 public:
  GrowingBuffer() = default;
  explicit GrowingBuffer(std::size_t size) : size_(size) {}
  GrowingBuffer(GrowingBuffer&& other) noexcept { swap(other); }
  GrowingBuffer& operator=(GrowingBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~GrowingBuffer() { std::free(data_); }

  bool full() const { return filled_ == size_; }
  // Where the next bytes go. REQUIRES: not full. Errors: std::bad_alloc.
  std::span<std::byte> room() {
    if (filled_ == capacity_) grow();
    return {data_ + filled_, capacity_ - filled_};
  }
  void fill(std::size_t count) { filled_ += count; }

  // Gives the memory away. REQUIRES: full.
  data::Buffer finish(bool writable) {
    if (size_ == 0) return {nullptr, 0, writable};
    data::Buffer buffer{std::shared_ptr<std::byte>(data_, [](std::byte* data) { std::free(data); }),
                        size_, writable};
    data_ = nullptr;
    return buffer;
  }

 private:
  static constexpr std::size_t kFirstBytes = 1024 * 1024;

  // Large blocks are moved by the system without copying (mremap).
  void grow() {
    const std::size_t capacity = std::min(size_, std::max(kFirstBytes, 2 * capacity_));
    void* data = std::realloc(data_, capacity);
    if (data == nullptr) throw std::bad_alloc();
    data_ = static_cast<std::byte*>(data);
    capacity_ = capacity;
  }
  void swap(GrowingBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(filled_, other.filled_);
  }

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace cppwax::transport
