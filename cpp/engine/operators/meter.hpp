// What one step of the user's flow has done on one worker, for whoever watches the run.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/base/clock.hpp"

namespace cppwax::operators {

// Written by its worker alone, read by any thread at any time. Each number is right and never
// falls, but two that are read together may be of different moments.
class Meter {
 public:
  // Items that reached the step, items it began to work on (what is between waits), and items that
  // it emitted.
  void arrived(std::size_t items) { add(arrived_, items); }
  void began(std::size_t items) { add(began_, items); }
  void emitted(std::size_t items) { add(emitted_, items); }
  void worked(Duration time) { add(worked_us_, static_cast<std::uint64_t>(time.count())); }
  // Whether it has work that it may not do for want of credit below
  // (docs/progress_and_snapshots.md P4).
  void set_held(bool held, const Clock& clock) {
    if (held == is_held_) return;
    is_held_ = held;
    // Marked before the time is taken: who reads meanwhile has taken an earlier one.
    const std::uint64_t since = held_since_.exchange(kChanging);
    const auto now = static_cast<std::uint64_t>(clock.steady().time_since_epoch().count());
    if (!held) held_us_ += now - since;
    held_since_ = held ? now : kNotHeld;
  }

  struct Reading {
    std::uint64_t arrived = 0;
    std::uint64_t began = 0;
    std::uint64_t emitted = 0;
    Duration worked{};
    Duration held{};
  };
  // `now` is of the clock that `set_held` was given.
  Reading read(SteadyTime now) const;

 private:
  // Instead of a time.
  static constexpr std::uint64_t kNotHeld = 0;
  static constexpr std::uint64_t kChanging = 1;

  Duration held(std::uint64_t now) const;

  // There is one writer: no other can come between.
  static void add(std::atomic<std::uint64_t>& number, std::uint64_t more) {
    number.store(number.load(std::memory_order_relaxed) + more, std::memory_order_release);
  }

  std::atomic<std::uint64_t> arrived_{0};
  std::atomic<std::uint64_t> began_{0};
  std::atomic<std::uint64_t> emitted_{0};
  std::atomic<std::uint64_t> worked_us_{0};
  std::atomic<std::uint64_t> held_us_{0};
  std::atomic<std::uint64_t> held_since_{kNotHeld};
  bool is_held_ = false;  // the worker's own
};

// Adds the time of its life to a meter; without one it does not look at the clock.
class TimeInStep {
 public:
  TimeInStep(Meter* meter, const Clock& clock) : meter_(meter), clock_(clock) {
    if (meter_) began_ = clock_.steady();
  }
  ~TimeInStep() {
    if (meter_) meter_->worked(clock_.steady() - began_);
  }
  TimeInStep(const TimeInStep&) = delete;
  TimeInStep& operator=(const TimeInStep&) = delete;

 private:
  Meter* meter_;
  const Clock& clock_;
  SteadyTime began_{};
};

}  // namespace cppwax::operators
