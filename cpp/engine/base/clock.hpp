// The only place that reads the time. Everything else is given a Clock, so that a test decides
// what time it is.
#pragma once

#include <chrono>

namespace cppwax {

using Duration = std::chrono::microseconds;
// Time of day in UTC: what users' due times and awake times are given in.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;
// Never goes back: what intervals and waits are measured in.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;
  virtual SteadyTime steady() const = 0;
};

// The machine's clock; lives for the whole program.
const Clock& system_clock();

}  // namespace cppwax
