// The reports of all processes, as they come in: the n-th of each belong together. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/transport/message.hpp"

namespace cppwax::transport {

// By process, one of each.
using ReportRound = std::vector<Report>;

// Belongs to one thread.
class Reports {
 public:
  explicit Reports(std::uint32_t process_count) : waiting_(process_count) {}

  // Returns whether it may be: a process that waits for others' reports is ahead by one at most.
  bool add(ProcessIndex from, Report report) {
    auto& waiting = waiting_[from.value()];
    if (waiting.size() == kAhead) return false;
    waiting.push_back(std::move(report));
    return true;
  }

  // The next round, if all of it is there.
  std::optional<ReportRound> take_round() {
    const bool complete =
        std::ranges::none_of(waiting_, [](const auto& waiting) { return waiting.empty(); });
    if (!complete) return std::nullopt;
    ReportRound round;
    for (auto& waiting : waiting_) {
      round.push_back(std::move(waiting.front()));
      waiting.pop_front();
    }
    return round;
  }

 private:
  static constexpr std::size_t kAhead = 2;
  std::vector<std::deque<Report>> waiting_;
};

}  // namespace cppwax::transport
