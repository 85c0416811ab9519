#include "engine/base/clock.hpp"

namespace cppwax {

namespace {

class SystemClock final : public Clock {
 public:
  WallTime wall() const override {
    return std::chrono::floor<Duration>(std::chrono::system_clock::now());
  }
  SteadyTime steady() const override {
    return std::chrono::floor<Duration>(std::chrono::steady_clock::now());
  }
};

}  // namespace

const Clock& system_clock() {
  // Never destroyed: nothing of the engine runs at exit.
  static const SystemClock* const clock = new SystemClock;
  return *clock;
}

}  // namespace cppwax
