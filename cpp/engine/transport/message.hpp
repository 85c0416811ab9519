// What one process tells another (docs/wire_format.md): what workers exchange, with the worker it
// is for, and what processes say for themselves.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/channel/control.hpp"
#include "engine/data/amount.hpp"
#include "engine/data/codec.hpp"
#include "engine/data/message.hpp"

namespace cppwax::transport {

using data::Amount;

// A direction between two workers on one channel; what travels on it is a FIFO.
struct Lane {
  WorkerIndex to;
  ChannelIndex channel;
  WorkerIndex from;

  auto operator<=>(const Lane&) const = default;
};

struct BatchMessage {
  Lane lane;
  Epoch epoch;
  Amount amount;
  data::Encoded buffers;
};

struct FrontierMessage {
  Lane lane;
  Epoch epoch;
};

struct EndMessage {
  Lane lane;
  data::End end;
};

// Runs against the batches: `lane.from` is the worker that took them in.
struct CreditMessage {
  Lane lane;
  Epoch epoch;
  Amount amount;
};

struct ControlMessage {
  WorkerIndex to;
  channel::Control control;
};

// What ranks first is shown first (failure_round.hpp).
enum class FailureKind : std::uint8_t {
  kFailed = 0,   // user code, or the engine, raised
  kLost = 1,     // a peer was lost
  kAborted = 2,  // a source asked for an abrupt end: no error
};

// Text only: nothing of it is ever unpickled (docs/progress_and_snapshots.md P18). Texts that are
// too long are cut when they are sent.
struct Failure {
  FailureKind kind = FailureKind::kFailed;
  std::string type;       // of the exception
  std::string message;    // what it says
  std::string traceback;  // formatted
  std::string step;       // empty: none
  std::optional<WorkerIndex> worker;
  ProcessIndex process;
  Epoch epoch;

  bool operator==(const Failure&) const = default;

  static constexpr std::size_t kMaxType = 512;
  static constexpr std::size_t kMaxMessage = 64 * 1024;
  static constexpr std::size_t kMaxTraceback = 256 * 1024;
  static constexpr std::size_t kMaxStep = 4 * 1024;
};

// What a process tells all others before its workers start; for the layers above to read. The n-th
// of each process belong together.
struct Report {
  std::vector<std::byte> content;

  static constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;
};

struct FailureAck {};
// The sender's last frame (P20), but for a failure of another process.
struct Done {};
struct Heartbeat {};

using Message = std::variant<BatchMessage, FrontierMessage, EndMessage, CreditMessage,
                             ControlMessage, Report, Failure, FailureAck, Done, Heartbeat>;

}  // namespace cppwax::transport
