// Messages for the transport's tests, and bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/transport/frame_decoder.hpp"
#include "engine/transport/send_queue.hpp"

namespace cppwax::test {

// Two processes of two workers: process 1 sends to process 0.
inline transport::Seats seats_of_zero() {
  return {ProcessIndex(0), ProcessIndex(1), 2, 4, 6};
}

inline transport::Lane lane_of(std::uint32_t channel, std::uint32_t from = 2,
                               std::uint32_t to = 0) {
  return {WorkerIndex(to), ChannelIndex(channel), WorkerIndex(from)};
}

// Bytes that differ from place to place.
inline data::Buffer pattern(std::size_t size, std::uint32_t seed = 0, bool writable = false) {
  data::Buffer buffer = data::allocate_buffer(size);
  for (std::size_t i = 0; i < size; ++i) {
    buffer.data.get()[i] = static_cast<std::byte>((i * 31 + i / 251 + seed) & 0xFF);
  }
  buffer.writable = writable;
  return buffer;
}

inline bool same_bytes(const data::Buffer& a, const data::Buffer& b) {
  return a.size == b.size && a.writable == b.writable &&
         (a.size == 0 || std::memcmp(a.data.get(), b.data.get(), a.size) == 0);
}

inline bool same_buffers(const data::Encoded& a, const data::Encoded& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_bytes);
}

inline transport::BatchMessage batch_of(const transport::Lane& lane, data::Encoded buffers,
                                        std::uint64_t epoch = 3) {
  return {lane, Epoch(epoch), {7, 70}, std::move(buffers)};
}

inline void append(transport::WireBytes& out, transport::Gathered& gathered) {
  for (const std::span<const std::byte> piece : gathered.pieces()) {
    out.insert(out.end(), piece.begin(), piece.end());
  }
}

// All that a queue sends.
inline transport::WireBytes drain(transport::SendQueue& queue) {
  transport::WireBytes bytes;
  while (!queue.empty()) {
    transport::Gathered gathered;
    queue.take(gathered);
    append(bytes, gathered);
  }
  return bytes;
}

inline transport::WireBytes sent(std::vector<transport::Message> messages) {
  transport::SendQueue queue;
  for (transport::Message& message : messages) queue.push(std::move(message));
  return drain(queue);
}

struct Received {
  std::vector<transport::Message> messages;
  std::optional<transport::WireError> error;

  template <class T>
  std::vector<T> all() const {
    std::vector<T> found;
    for (const transport::Message& message : messages) {
      if (const T* one = std::get_if<T>(&message)) found.push_back(*one);
    }
    return found;
  }
};

// Gives `bytes` to a decoder in pieces of at most `step` bytes, until it refuses.
inline Received receive(transport::FrameDecoder& decoder, std::span<const std::byte> bytes,
                        std::size_t step) {
  Received received;
  while (!bytes.empty() && !received.error) {
    const std::span<std::byte> room = decoder.prepare();
    const std::size_t size = std::min({room.size(), bytes.size(), step});
    std::copy_n(bytes.begin(), size, room.begin());
    bytes = bytes.subspan(size);
    received.error = decoder.commit(size, received.messages);
  }
  return received;
}

inline Received receive(std::span<const std::byte> bytes, std::size_t step = SIZE_MAX) {
  transport::FrameDecoder decoder(seats_of_zero(), 64 * 1024 * 1024);
  return receive(decoder, bytes, step);
}

}  // namespace cppwax::test
