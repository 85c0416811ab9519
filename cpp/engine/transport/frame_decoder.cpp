#include "engine/transport/frame_decoder.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace cppwax::transport {

namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
// Below this, reading for the buffer brings the next frame along and copying costs less.
constexpr std::size_t kStraightBytes = 16 * 1024;
constexpr std::size_t kLaneBytes = 12;

}  // namespace

FrameDecoder::FrameDecoder(Seats seats, std::uint64_t max_batch_bytes)
    : seats_(seats), max_batch_bytes_(max_batch_bytes), buffer_(kBufferBytes) {}

// Without memory for the batch the bytes go to the buffer, and `commit` finds out.
std::span<std::byte> FrameDecoder::batch_room() {
  if (state_ != State::kData || buffered() > 0) return {};
  try {
    const std::span<std::byte> room = current_->second.current.room();
    return room.first(std::min(room.size(), data_left_));
  } catch (const std::bad_alloc&) {
    return {};
  }
}

std::span<std::byte> FrameDecoder::prepare() {
  const std::span<std::byte> room = batch_room();
  straight_ = room.size() >= kStraightBytes;
  if (straight_) return room;
  if (buffered() == 0) {
    begin_ = end_ = 0;
    if (buffer_.size() > kBufferBytes && need_ <= kBufferBytes) {
      buffer_.resize(kBufferBytes);
      buffer_.shrink_to_fit();
    }
  } else if (begin_ > 0 && begin_ + std::max(need_, kBufferBytes / 2) > buffer_.size()) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, buffered());
    end_ -= begin_;
    begin_ = 0;
  }
  // By doubling: what a frame declares takes memory only as it comes.
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  return std::span(buffer_).subspan(end_);
}

std::optional<WireError> FrameDecoder::commit(std::size_t count, std::vector<Message>& out) {
  try {
    if (straight_) {
      current_->second.current.fill(count);
      on_data(count);
    } else {
      end_ += count;
    }
    return decode(out);
  } catch (const std::bad_alloc&) {
    return WireError::kNoMemory;
  }
}

std::optional<WireError> FrameDecoder::decode(std::vector<Message>& out) {
  for (;;) {
    if (state_ == State::kData) {
      while (data_left_ > 0 && buffered() > 0) {
        const std::span<std::byte> room = current_->second.current.room();
        const std::size_t size = std::min({room.size(), data_left_, buffered()});
        std::memcpy(room.data(), take(size).data(), size);
        current_->second.current.fill(size);
        on_data(size);
      }
      if (data_left_ > 0) return std::nullopt;
      end_data(out);
    }
    if (buffered() < need_) return std::nullopt;
    if (const auto error = step(take(need_), out)) return error;
  }
}

std::optional<WireError> FrameDecoder::step(std::span<const std::byte> bytes,
                                            std::vector<Message>& out) {
  switch (state_) {
    case State::kHeader:
      return on_header(bytes, out);
    case State::kBody:
      return on_body(bytes, out);
    case State::kBatchHead:
      return on_batch_head(bytes, out);
    case State::kBatchSizes:
      return on_batch_sizes(bytes, out);
    case State::kFragmentLane:
      return on_fragment_lane(bytes);
    case State::kData:
      break;
  }
  return std::nullopt;
}

std::span<const std::byte> FrameDecoder::take(std::size_t count) {
  const std::span<const std::byte> taken = std::span(buffer_).subspan(begin_, count);
  begin_ += count;
  return taken;
}

void FrameDecoder::await(State state, std::size_t count) {
  state_ = state;
  need_ = count;
}

std::optional<WireError> FrameDecoder::on_header(std::span<const std::byte> bytes,
                                                 std::vector<Message>& out) {
  const Decoded<FrameHeader> header = FrameHeader::read(bytes);
  if (const auto* error = std::get_if<WireError>(&header)) return *error;
  header_ = std::get<FrameHeader>(header);
  data_left_ = header_.body_bytes;
  const bool batch = header_.type == FrameType::kBatch;
  if (!batch && header_.type != FrameType::kFragment) {
    if (header_.body_bytes == 0) return on_body({}, out);
    await(State::kBody, header_.body_bytes);
    return std::nullopt;
  }
  const std::size_t fixed = batch ? BatchHead::kBytes : kLaneBytes;
  if (data_left_ < fixed) return WireError::kTooShort;
  data_left_ -= fixed;
  await(batch ? State::kBatchHead : State::kFragmentLane, fixed);
  return std::nullopt;
}

std::optional<WireError> FrameDecoder::on_body(std::span<const std::byte> body,
                                               std::vector<Message>& out) {
  Decoded<Message> message = read_body(header_.type, body, seats_);
  if (const auto* error = std::get_if<WireError>(&message)) return *error;
  Message& read = std::get<Message>(message);
  const auto* frontier = std::get_if<FrontierMessage>(&read);
  const auto* end = std::get_if<EndMessage>(&read);
  if ((frontier && open_.contains(frontier->lane)) || (end && open_.contains(end->lane))) {
    return WireError::kBatchOpen;
  }
  out.push_back(std::move(read));
  await(State::kHeader, FrameHeader::kBytes);
  return std::nullopt;
}

std::optional<WireError> FrameDecoder::on_batch_head(std::span<const std::byte> bytes,
                                                     std::vector<Message>& out) {
  WireReader in(bytes);
  head_ = read_batch_head(in, seats_);
  if (in.failed()) return in.error();
  if (open_.contains(head_.lane)) return WireError::kBatchOpen;
  const std::size_t sizes = head_.buffer_count * BatchHead::kBufferBytes;
  if (data_left_ < sizes) return WireError::kTooShort;
  data_left_ -= sizes;
  if (sizes == 0) return on_batch_sizes({}, out);
  await(State::kBatchSizes, sizes);
  return std::nullopt;
}

std::optional<WireError> FrameDecoder::on_batch_sizes(std::span<const std::byte> bytes,
                                                      std::vector<Message>& out) {
  OpenBatch batch;
  WireReader in(bytes);
  for (std::uint32_t i = 0; i < head_.buffer_count; ++i) {
    const auto size = in.number<std::uint64_t>();
    const auto writable = in.number<std::uint8_t>();
    if (size > max_batch_bytes_ || batch.missing + size > max_batch_bytes_) {
      return WireError::kBatchTooLarge;
    }
    if (writable > 1) return WireError::kBadValue;
    batch.missing += size;
    batch.declared.push_back({nullptr, static_cast<std::size_t>(size), writable == 1});
  }
  if (data_left_ > kMaxFragmentBytes) return WireError::kFrameTooLong;
  if (data_left_ > batch.missing) return WireError::kNoBatch;
  if (data_left_ == 0 && batch.missing > 0) return WireError::kEmptyFragment;
  batch.message = {head_.lane, head_.epoch, head_.amount, {}};
  if (head_.buffer_count > 0) batch.current = GrowingBuffer(batch.declared.front().size);
  next_buffer(batch);
  current_ = open_.emplace(head_.lane, std::move(batch)).first;
  state_ = State::kData;
  if (data_left_ == 0) end_data(out);
  return std::nullopt;
}

std::optional<WireError> FrameDecoder::on_fragment_lane(std::span<const std::byte> bytes) {
  WireReader in(bytes);
  const Lane lane = read_lane(in, seats_);
  if (in.failed()) return in.error();
  if (data_left_ == 0) return WireError::kEmptyFragment;
  if (data_left_ > kMaxFragmentBytes) return WireError::kFrameTooLong;
  current_ = open_.find(lane);
  if (current_ == open_.end() || data_left_ > current_->second.missing) return WireError::kNoBatch;
  state_ = State::kData;
  return std::nullopt;
}

// Accounts for bytes that lie in the batch already.
void FrameDecoder::on_data(std::size_t count) {
  data_left_ -= count;
  current_->second.missing -= count;
  next_buffer(current_->second);
}

// Finishes buffers that are full, empty ones too.
void FrameDecoder::next_buffer(OpenBatch& batch) {
  data::Encoded& complete = batch.message.buffers;
  while (complete.size() < batch.declared.size() && batch.current.full()) {
    complete.push_back(batch.current.finish(batch.declared[complete.size()].writable));
    if (complete.size() == batch.declared.size()) return;
    batch.current = GrowingBuffer(batch.declared[complete.size()].size);
  }
}

// The frame's bytes are all taken.
void FrameDecoder::end_data(std::vector<Message>& out) {
  if (current_->second.missing == 0) {
    out.emplace_back(std::in_place_type<BatchMessage>, std::move(current_->second.message));
    open_.erase(current_);
  }
  current_ = open_.end();
  await(State::kHeader, FrameHeader::kBytes);
}

}  // namespace cppwax::transport
