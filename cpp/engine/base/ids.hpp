// Strong index and epoch types, so that a worker and an epoch cannot be swapped by accident.
// Used by every layer; knows nothing of any of them.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

namespace cppwax {

// A number with a meaning. Two kinds never convert into each other.
template <class Tag, class Rep>
class StrongId {
 public:
  using rep = Rep;

  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const StrongId&) const = default;

  friend std::ostream& operator<<(std::ostream& out, StrongId id) { return out << +id.value_; }

 private:
  Rep value_{};
};

// A worker of the cluster, counted over all processes.
using WorkerIndex = StrongId<struct WorkerTag, std::uint32_t>;
using ProcessIndex = StrongId<struct ProcessTag, std::uint32_t>;
// A step of the plan, in topological order: what a step consumes has a smaller index.
using StepIndex = StrongId<struct StepTag, std::uint32_t>;
// A stream of the plan: one output port of one step.
using StreamIndex = StrongId<struct StreamTag, std::uint32_t>;
// One consumer of one stream; the same number on every worker.
using ChannelIndex = StrongId<struct ChannelTag, std::uint32_t>;

// One file of the recovery store.
using RecoveryPartitionIndex = StrongId<struct RecoveryPartitionTag, std::uint32_t>;

// The public, dotted id of a step, as users see it.
using StepId = std::string;

// The engine's order of time. The first epoch of a first execution is 1.
class Epoch : public StrongId<struct EpochTag, std::uint64_t> {
 public:
  using StrongId::StrongId;
  constexpr Epoch next() const { return Epoch(value() + 1); }
  // Which of the two credit windows the epoch uses (docs/progress_and_snapshots.md P3).
  constexpr std::size_t parity() const { return value() & 1; }
};

inline constexpr Epoch kFirstEpoch{1};

}  // namespace cppwax

template <class Tag, class Rep>
struct std::hash<cppwax::StrongId<Tag, Rep>> {
  std::size_t operator()(cppwax::StrongId<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value());
  }
};
