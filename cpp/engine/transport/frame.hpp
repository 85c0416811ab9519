// Frames: the header, and the bodies of all but batches, written and read side by side
// (docs/wire_format.md). Pure: no sockets. Batches, which may be large, are cut by `send_queue` and
// put together by `frame_decoder`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/transport/message.hpp"
#include "engine/transport/wire.hpp"

namespace cppwax::transport {

enum class FrameType : std::uint8_t {
  kHeartbeat = 1,
  kBatch,
  kFragment,
  kFrontier,
  kEnd,
  kCredit,
  kParts,
  kActive,
  kOpenEpoch,
  kStopRequest,
  kStop,
  kFailure,
  kFailureAck,
  kDone,
  kLoaded,
  kReport,
};

// The most bytes of a batch in one frame.
inline constexpr std::size_t kMaxFragmentBytes = 1024 * 1024;
// The most a list of partitions may take.
inline constexpr std::size_t kMaxPartsBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxPartName = 64 * 1024;

struct FrameHeader {
  FrameType type;
  std::uint32_t body_bytes;

  static constexpr std::size_t kBytes = 8;

  void write(WireBytes& out) const;
  // REQUIRES: kBytes bytes.
  static Decoded<FrameHeader> read(std::span<const std::byte> bytes);
};

// Before the bytes of a batch; the sizes of its buffers follow it.
struct BatchHead {
  Lane lane;
  Epoch epoch;
  Amount amount;
  std::uint32_t buffer_count;

  static constexpr std::size_t kBytes = 40;
  static constexpr std::size_t kBufferBytes = 9;  // of a size and a flag
};

// Who speaks on a connection: what a message may name.
struct Seats {
  ProcessIndex own;
  ProcessIndex peer;
  std::uint32_t workers_per_process = 1;
  std::uint32_t channel_count = 0;
  std::uint32_t step_count = 0;

  bool own_worker(WorkerIndex worker) const { return process_of(worker) == own; }
  bool peer_worker(WorkerIndex worker) const { return process_of(worker) == peer; }
  // From a worker of the peer to one of ours.
  bool allows(const Lane& lane) const {
    return own_worker(lane.to) && peer_worker(lane.from) && lane.channel.value() < channel_count;
  }
  ProcessIndex process_of(WorkerIndex worker) const {
    return ProcessIndex(worker.value() / workers_per_process);
  }
};

void write_lane(WireWriter& out, const Lane& lane);
// Notes a failure in `in` if the peer may not use it.
Lane read_lane(WireReader& in, const Seats& seats);

void write_batch_head(WireWriter& out, const BatchHead& head);
BatchHead read_batch_head(WireReader& in, const Seats& seats);

// Appends header and body. REQUIRES: not a batch; a list of partitions fits (`parts_bytes`).
void write_frame(WireBytes& out, const Message& message);
Decoded<Message> read_body(FrameType type, std::span<const std::byte> body, const Seats& seats);

// What its body takes.
std::size_t parts_bytes(const channel::Parts& parts);

}  // namespace cppwax::transport
