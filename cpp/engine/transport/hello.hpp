// The first words on a connection: who speaks, of which run and dataflow, and whether the two fit
// (docs/wire_format.md, "Hello"). Pure: no sockets; fuzzed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "engine/base/ids.hpp"
#include "engine/transport/wire.hpp"

namespace cppwax::transport {

inline constexpr std::uint16_t kOurWireVersion = 1;
inline constexpr std::size_t kMaxHelloBytes = 1024;

// Random, drawn by process 0 (docs/progress_and_snapshots.md P12). All zero: not known yet.
using RunId = std::array<std::byte, 16>;

enum class Role : std::uint8_t { kDialler = 0, kListener = 1 };

// What a listener answers.
enum class Verdict : std::uint8_t {
  kJoin = 0,
  kNotYet = 1,    // it has no run id yet: come again
  kMismatch = 2,  // the two hellos say why
  kTaken = 3,     // a process of this index has joined already
  kComplete = 4,  // all processes have joined: the run is on, or over
};

// What each process of a cluster must agree on, or at least tell.
struct HelloFacts {
  std::string cppwax_version;
  std::string python_version;
  std::uint32_t process_count = 1;
  std::uint32_t workers_per_process = 1;
  bool recovery = false;
  std::string flow_id;      // cut at kMaxFlowId
  std::string fingerprint;  // of steps, kinds and edges; any bytes, at most kMaxFingerprint
  std::uint32_t peer_timeout_ms = 30'000;

  static constexpr std::size_t kMaxVersion = 64;
  static constexpr std::size_t kMaxFlowId = 255;
  static constexpr std::size_t kMaxFingerprint = 64;
};

struct Hello {
  std::uint16_t wire_version = kOurWireVersion;
  HelloFacts facts;
  Role role = Role::kDialler;
  ProcessIndex dialler;
  ProcessIndex listener;
  RunId run{};
  Verdict verdict = Verdict::kJoin;  // of a listener

  ProcessIndex sender() const { return role == Role::kDialler ? dialler : listener; }

  // At most kMaxHelloBytes. REQUIRES: texts within their limits.
  WireBytes write() const;
};

// Why what came is no hello.
enum class HelloError : std::uint8_t {
  kNoHello,  // other first bytes
  kTooLong,  // longer than kMaxHelloBytes
  kMalformed,
};

// Magic, wire version, length: the same in every wire version.
struct HelloPrefix {
  std::uint16_t wire_version;
  std::uint16_t body_bytes;

  static constexpr std::size_t kBytes = 10;

  // REQUIRES: kBytes bytes.
  static std::variant<HelloPrefix, HelloError> read(std::span<const std::byte> bytes);
};

// Of another wire version only `facts.cppwax_version` is read.
std::variant<Hello, HelloError> read_hello_body(const HelloPrefix& prefix,
                                                std::span<const std::byte> body);

// How two processes do not fit, as each tells it.
struct Mismatch {
  enum class Kind : std::uint8_t {
    kReflected,  // our own bytes came back: a stranger
    kWireVersion,
    kCppwaxVersion,
    kPythonVersion,
    kIndex,  // another index than the address list says, or one out of range
    kProcessCount,
    kDataflow,
    kWorkers,
    kRecovery,
    kRun,  // of another start
  };
  Kind kind;
  std::string message;  // names the peer, the difference, the way out
};

// `mine` is what this side said or would say, `peer_address` where the other one is. Both sides
// come to the same kind.
std::optional<Mismatch> compare(const Hello& mine, const Hello& theirs,
                                const std::string& peer_address);

}  // namespace cppwax::transport
