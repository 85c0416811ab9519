#include "engine/transport/frame.hpp"

#include <type_traits>
#include <utility>

#include "engine/base/error.hpp"

namespace cppwax::transport {

namespace {

// Nobody emits as much at once; sums of many stay far from overflowing.
constexpr std::uint64_t kMaxAmount = std::uint64_t{1} << 48;

std::size_t body_limit(FrameType type) {
  switch (type) {
    case FrameType::kBatch:
      return BatchHead::kBytes + data::PayloadCodec::kMaxBuffers * BatchHead::kBufferBytes +
             kMaxFragmentBytes;
    case FrameType::kFragment:
      return 12 + kMaxFragmentBytes;
    case FrameType::kParts:
      return kMaxPartsBytes;
    case FrameType::kReport:
      return Report::kMaxBytes;
    case FrameType::kFailure:
      return 64 + Failure::kMaxType + Failure::kMaxMessage + Failure::kMaxTraceback +
             Failure::kMaxStep;
    default:
      return 64;
  }
}

void write_epoch(WireWriter& out, Epoch epoch) {
  out.number(epoch.value());
}

Epoch read_epoch(WireReader& in) {
  return Epoch(in.number<std::uint64_t>());
}

void write_amount(WireWriter& out, const Amount& amount) {
  out.number(static_cast<std::uint64_t>(amount.items));
  out.number(static_cast<std::uint64_t>(amount.bytes));
}

Amount read_amount(WireReader& in) {
  const auto items = in.number<std::uint64_t>();
  const auto bytes = in.number<std::uint64_t>();
  if (items > kMaxAmount || bytes > kMaxAmount) in.fail(WireError::kBadValue);
  return {static_cast<std::int64_t>(items), static_cast<std::int64_t>(bytes)};
}

void write_worker(WireWriter& out, WorkerIndex worker) {
  out.number(worker.value());
}

WorkerIndex read_own_worker(WireReader& in, const Seats& seats) {
  const WorkerIndex worker(in.number<std::uint32_t>());
  if (!seats.own_worker(worker)) in.fail(WireError::kNotYours);
  return worker;
}

// --- one pair of functions a message
// --------------------------------------------------------------

FrameType write_body(WireWriter& out, const FrontierMessage& message) {
  write_lane(out, message.lane);
  write_epoch(out, message.epoch);
  return FrameType::kFrontier;
}

FrontierMessage read_frontier(WireReader& in, const Seats& seats) {
  FrontierMessage message;
  message.lane = read_lane(in, seats);
  message.epoch = read_epoch(in);
  return message;
}

FrameType write_body(WireWriter& out, const EndMessage& message) {
  write_lane(out, message.lane);
  out.number(static_cast<std::uint8_t>(message.end.kind == data::EndKind::kStopped));
  write_epoch(out, message.end.epoch);
  return FrameType::kEnd;
}

EndMessage read_end(WireReader& in, const Seats& seats) {
  EndMessage message;
  message.lane = read_lane(in, seats);
  const auto kind = in.number<std::uint8_t>();
  if (kind > 1) in.fail(WireError::kBadValue);
  message.end.kind = kind == 1 ? data::EndKind::kStopped : data::EndKind::kEof;
  message.end.epoch = read_epoch(in);
  return message;
}

FrameType write_body(WireWriter& out, const CreditMessage& message) {
  write_lane(out, message.lane);
  write_epoch(out, message.epoch);
  write_amount(out, message.amount);
  return FrameType::kCredit;
}

CreditMessage read_credit(WireReader& in, const Seats& seats) {
  CreditMessage message;
  message.lane = read_lane(in, seats);
  message.epoch = read_epoch(in);
  message.amount = read_amount(in);
  return message;
}

FrameType write_control(WireWriter& out, const channel::Parts& parts) {
  out.number(parts.step.value());
  write_worker(out, parts.worker);
  out.number(static_cast<std::uint32_t>(parts.names.size()));
  for (const std::string& name : parts.names) out.text<std::uint32_t>(name);
  return FrameType::kParts;
}

channel::Parts read_parts(WireReader& in, const Seats& seats) {
  channel::Parts parts;
  parts.step = StepIndex(in.number<std::uint32_t>());
  parts.worker = WorkerIndex(in.number<std::uint32_t>());
  if (parts.step.value() >= seats.step_count || !seats.peer_worker(parts.worker)) {
    in.fail(WireError::kNotYours);
  }
  const auto count = in.number<std::uint32_t>();
  // A name takes at least its length: a count alone reserves nothing.
  if (count > in.left() / sizeof(std::uint32_t)) in.fail(WireError::kTooShort);
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    parts.names.push_back(in.text<std::uint32_t>(kMaxPartName));
  }
  return parts;
}

FrameType write_control(WireWriter& out, const channel::Active& active) {
  write_epoch(out, active.epoch);
  return FrameType::kActive;
}

FrameType write_control(WireWriter& out, const channel::OpenEpoch& open) {
  write_epoch(out, open.epoch);
  return FrameType::kOpenEpoch;
}

FrameType write_control(WireWriter& out, const channel::StopRequest& request) {
  out.number(static_cast<std::uint8_t>(request.signal));
  return FrameType::kStopRequest;
}

FrameType write_control(WireWriter& out, const channel::Stop& stop) {
  write_epoch(out, stop.epoch);
  out.number(static_cast<std::uint8_t>(stop.signal));
  return FrameType::kStop;
}

channel::Stop read_stop(WireReader& in) {
  const Epoch epoch = read_epoch(in);
  return {epoch, in.number<std::uint8_t>()};
}

FrameType write_control(WireWriter& out, const channel::Loaded& loaded) {
  write_worker(out, loaded.worker);
  return FrameType::kLoaded;
}

channel::Loaded read_loaded(WireReader& in, const Seats& seats) {
  const WorkerIndex worker(in.number<std::uint32_t>());
  if (!seats.peer_worker(worker)) in.fail(WireError::kNotYours);
  return {worker};
}

FrameType write_control(WireWriter&, const channel::StoreProgress&) {
  ENGINE_ASSERT(false && "StoreProgress stays within a process");
  return FrameType::kHeartbeat;
}

FrameType write_body(WireWriter& out, const ControlMessage& message) {
  write_worker(out, message.to);
  return std::visit([&](const auto& control) { return write_control(out, control); },
                    message.control);
}

ControlMessage read_control(FrameType type, WireReader& in, const Seats& seats) {
  const WorkerIndex to = read_own_worker(in, seats);
  switch (type) {
    case FrameType::kParts:
      return {to, read_parts(in, seats)};
    case FrameType::kActive:
      return {to, channel::Active{read_epoch(in)}};
    case FrameType::kOpenEpoch:
      return {to, channel::OpenEpoch{read_epoch(in)}};
    case FrameType::kStop:
      return {to, read_stop(in)};
    case FrameType::kLoaded:
      return {to, read_loaded(in, seats)};
    default:
      return {to, channel::StopRequest{in.number<std::uint8_t>()}};
  }
}

FrameType write_body(WireWriter& out, const Report& report) {
  out.raw(report.content);
  return FrameType::kReport;
}

Report read_report(WireReader& in) {
  const std::span<const std::byte> content = in.take(in.left());
  return {{content.begin(), content.end()}};
}

FrameType write_body(WireWriter& out, const Failure& failure) {
  out.number(static_cast<std::uint8_t>(failure.kind));
  out.number(failure.process.value());
  out.number(static_cast<std::uint8_t>(failure.worker.has_value()));
  write_worker(out, failure.worker.value_or(WorkerIndex(0)));
  write_epoch(out, failure.epoch);
  out.text<std::uint32_t>(cut_text(failure.type, Failure::kMaxType));
  out.text<std::uint32_t>(cut_text(failure.message, Failure::kMaxMessage));
  out.text<std::uint32_t>(cut_text(failure.traceback, Failure::kMaxTraceback));
  out.text<std::uint32_t>(cut_text(failure.step, Failure::kMaxStep));
  return FrameType::kFailure;
}

Failure read_failure(WireReader& in, const Seats& seats) {
  Failure failure;
  const auto kind = in.number<std::uint8_t>();
  if (kind > static_cast<std::uint8_t>(FailureKind::kAborted)) in.fail(WireError::kBadValue);
  failure.kind = static_cast<FailureKind>(kind);
  failure.process = ProcessIndex(in.number<std::uint32_t>());
  if (failure.process != seats.peer) in.fail(WireError::kNotYours);
  const auto with_worker = in.number<std::uint8_t>();
  if (with_worker > 1) in.fail(WireError::kBadValue);
  const WorkerIndex worker(in.number<std::uint32_t>());
  if (with_worker == 1) {
    if (!seats.peer_worker(worker)) in.fail(WireError::kNotYours);
    failure.worker = worker;
  }
  failure.epoch = read_epoch(in);
  failure.type = in.text<std::uint32_t>(Failure::kMaxType);
  failure.message = in.text<std::uint32_t>(Failure::kMaxMessage);
  failure.traceback = in.text<std::uint32_t>(Failure::kMaxTraceback);
  failure.step = in.text<std::uint32_t>(Failure::kMaxStep);
  return failure;
}

FrameType write_body(WireWriter&, const FailureAck&) {
  return FrameType::kFailureAck;
}
FrameType write_body(WireWriter&, const Done&) {
  return FrameType::kDone;
}
FrameType write_body(WireWriter&, const Heartbeat&) {
  return FrameType::kHeartbeat;
}
FrameType write_body(WireWriter&, const BatchMessage& message) {
  ENGINE_ASSERT(false && "batches are cut by the send queue", message.lane.channel);
  return FrameType::kBatch;
}

Message read_any(FrameType type, WireReader& in, const Seats& seats) {
  switch (type) {
    case FrameType::kHeartbeat:
      return Heartbeat{};
    case FrameType::kFrontier:
      return read_frontier(in, seats);
    case FrameType::kEnd:
      return read_end(in, seats);
    case FrameType::kCredit:
      return read_credit(in, seats);
    case FrameType::kReport:
      return read_report(in);
    case FrameType::kFailure:
      return read_failure(in, seats);
    case FrameType::kFailureAck:
      return FailureAck{};
    case FrameType::kDone:
      return Done{};
    case FrameType::kParts:
    case FrameType::kActive:
    case FrameType::kOpenEpoch:
    case FrameType::kStopRequest:
    case FrameType::kStop:
    case FrameType::kLoaded:
      return read_control(type, in, seats);
    case FrameType::kBatch:
    case FrameType::kFragment:
      break;
  }
  in.fail(WireError::kUnknownType);
  return Heartbeat{};
}

}  // namespace

void FrameHeader::write(WireBytes& out) const {
  WireWriter writer(out);
  writer.number(body_bytes);
  writer.number(static_cast<std::uint8_t>(type));
  writer.number(std::uint8_t{0});
  writer.number(std::uint16_t{0});
}

Decoded<FrameHeader> FrameHeader::read(std::span<const std::byte> bytes) {
  WireReader in(bytes);
  FrameHeader header{};
  header.body_bytes = in.number<std::uint32_t>();
  const auto type = in.number<std::uint8_t>();
  header.type = static_cast<FrameType>(type);
  const auto reserved = in.number<std::uint8_t>();
  const auto more_reserved = in.number<std::uint16_t>();
  if (type < static_cast<std::uint8_t>(FrameType::kHeartbeat) ||
      type > static_cast<std::uint8_t>(FrameType::kReport)) {
    return WireError::kUnknownType;
  }
  if (reserved != 0 || more_reserved != 0) return WireError::kReserved;
  if (header.body_bytes > body_limit(header.type)) return WireError::kFrameTooLong;
  return header;
}

void write_lane(WireWriter& out, const Lane& lane) {
  write_worker(out, lane.to);
  out.number(lane.channel.value());
  write_worker(out, lane.from);
}

Lane read_lane(WireReader& in, const Seats& seats) {
  Lane lane;
  lane.to = WorkerIndex(in.number<std::uint32_t>());
  lane.channel = ChannelIndex(in.number<std::uint32_t>());
  lane.from = WorkerIndex(in.number<std::uint32_t>());
  if (!seats.allows(lane)) in.fail(WireError::kNotYours);
  return lane;
}

void write_batch_head(WireWriter& out, const BatchHead& head) {
  write_lane(out, head.lane);
  write_epoch(out, head.epoch);
  write_amount(out, head.amount);
  out.number(head.buffer_count);
}

BatchHead read_batch_head(WireReader& in, const Seats& seats) {
  BatchHead head;
  head.lane = read_lane(in, seats);
  head.epoch = read_epoch(in);
  head.amount = read_amount(in);
  head.buffer_count = in.number<std::uint32_t>();
  if (head.buffer_count > data::PayloadCodec::kMaxBuffers) in.fail(WireError::kBadValue);
  return head;
}

void write_frame(WireBytes& out, const Message& message) {
  const std::size_t start = out.size();
  FrameHeader{FrameType::kHeartbeat, 0}.write(out);
  WireWriter writer(out);
  const FrameType type =
      std::visit([&](const auto& content) { return write_body(writer, content); }, message);
  const std::size_t body_bytes = out.size() - start - FrameHeader::kBytes;
  ENGINE_ASSERT(body_bytes <= body_limit(type), body_bytes);
  // The length is known only now.
  WireBytes header;
  FrameHeader{type, static_cast<std::uint32_t>(body_bytes)}.write(header);
  std::copy(header.begin(), header.end(), out.begin() + static_cast<std::ptrdiff_t>(start));
}

Decoded<Message> read_body(FrameType type, std::span<const std::byte> body, const Seats& seats) {
  WireReader in(body);
  Message message = read_any(type, in, seats);
  in.finish();
  if (in.failed()) return in.error();
  return message;
}

std::size_t parts_bytes(const channel::Parts& parts) {
  std::size_t bytes = 4 * sizeof(std::uint32_t);
  for (const std::string& name : parts.names) bytes += sizeof(std::uint32_t) + name.size();
  return bytes;
}

}  // namespace cppwax::transport
