// From the bytes of a connection, in pieces of any size, to messages. Puts batches together, whose
// fragments on different lanes may be mixed. Pure: no sockets; fuzzed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "engine/transport/frame.hpp"
#include "engine/transport/growing_buffer.hpp"

namespace cppwax::transport {

// Belongs to one thread. Invariants: (1) no byte is read twice or skipped; (2) memory is at most a
// fixed buffer, one small frame, and what `GrowingBuffer` allows for each open batch; (3) on a
// lane, messages come out in the order sent; a batch when its last byte is there.
class FrameDecoder {
 public:
  FrameDecoder(Seats seats, std::uint64_t max_batch_bytes);
  FrameDecoder(const FrameDecoder&) = delete;
  FrameDecoder& operator=(const FrameDecoder&) = delete;

  // Where the next bytes of the connection go; never empty. Large pieces of a batch go straight to
  // its memory.
  std::span<std::byte> prepare();
  // `count` bytes were put there. Appends what is complete to `out`. After an error the decoder is
  // of no more use.
  std::optional<WireError> commit(std::size_t count, std::vector<Message>& out);

 private:
  enum class State { kHeader, kBody, kBatchHead, kBatchSizes, kFragmentLane, kData };
  struct OpenBatch {
    BatchMessage message;
    std::vector<data::Buffer> declared;  // sizes and flags
    GrowingBuffer current;               // belongs to the buffer behind those that are complete
    std::uint64_t missing = 0;
  };

  std::size_t buffered() const { return end_ - begin_; }
  std::span<std::byte> batch_room();
  std::span<const std::byte> take(std::size_t count);
  void await(State state, std::size_t count);

  std::optional<WireError> decode(std::vector<Message>& out);
  std::optional<WireError> step(std::span<const std::byte> bytes, std::vector<Message>& out);
  std::optional<WireError> on_header(std::span<const std::byte> bytes, std::vector<Message>& out);
  std::optional<WireError> on_body(std::span<const std::byte> body, std::vector<Message>& out);
  std::optional<WireError> on_batch_head(std::span<const std::byte> bytes,
                                         std::vector<Message>& out);
  std::optional<WireError> on_batch_sizes(std::span<const std::byte> bytes,
                                          std::vector<Message>& out);
  std::optional<WireError> on_fragment_lane(std::span<const std::byte> bytes);
  void on_data(std::size_t count);
  void next_buffer(OpenBatch& batch);
  void end_data(std::vector<Message>& out);

  const Seats seats_;
  const std::uint64_t max_batch_bytes_;

  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool straight_ = false;  // the last `prepare` gave memory of a batch

  State state_ = State::kHeader;
  std::size_t need_ = FrameHeader::kBytes;  // bytes that the next step wants together
  FrameHeader header_{};
  std::size_t data_left_ = 0;  // bytes of a batch that this frame still brings
  BatchHead head_{};
  std::map<Lane, OpenBatch> open_;
  std::map<Lane, OpenBatch>::iterator current_ = open_.end();
};

}  // namespace cppwax::transport
