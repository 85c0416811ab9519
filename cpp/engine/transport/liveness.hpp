// Whether a peer that says nothing is still there. Pure: told the time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "engine/base/clock.hpp"

namespace cppwax::transport {

// Belongs to one thread. Silence is counted only while we look: a process that was itself stopped
// for a minute does not take its peers for dead.
class Liveness {
 public:
  struct Limits {
    Duration check_every;
    Duration warn_after;
    Duration lost_after;
  };
  enum class Verdict : std::uint8_t {
    kFine,
    kSilent,  // for `warn_after`; said once in a silence
    kBack,    // heard again after that
    kLost,
  };

  Liveness(Limits limits, SteadyTime now) : limits_(limits), checked_(now) {}

  // A byte came.
  void heard() { heard_ = true; }

  // REQUIRES: called every `check_every`, roughly.
  Verdict check(SteadyTime now) {
    const Duration passed = std::min(now - checked_, 2 * limits_.check_every);
    checked_ = now;
    if (heard_) {
      heard_ = false;
      silent_ = Duration::zero();
      return std::exchange(warned_, false) ? Verdict::kBack : Verdict::kFine;
    }
    silent_ += passed;
    if (silent_ >= limits_.lost_after) return Verdict::kLost;
    if (warned_ || silent_ < limits_.warn_after) return Verdict::kFine;
    warned_ = true;
    return Verdict::kSilent;
  }

  Duration silent() const { return silent_; }

 private:
  Limits limits_;
  SteadyTime checked_;
  Duration silent_{0};
  bool heard_ = false;
  bool warned_ = false;
};

}  // namespace cppwax::transport
