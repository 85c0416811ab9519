// What one step of the user's flow has done on one worker, for whoever watches the run.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "engine/base/clock.hpp"
#include "engine/operators/durations.hpp"

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
  void worked(SteadyTime from, SteadyTime to) {
    add(worked_us_, static_cast<std::uint64_t>((to - from).count()));
    if (first_us_.load(std::memory_order_relaxed) == kNever) first_us_ = count_of(from);
    last_us_.store(count_of(to), std::memory_order_release);
  }
  // How long a slice of calls of user code took, and what it stored at the end of an epoch.
  void called(Duration time) { calls_.add(time); }
  void stored(Duration time) { snapshots_.add(time); }
  // Time that passed within a call of user code and is none: items on their way to other workers.
  void sent(Duration time) { sent_ += time; }
  Duration sent() const { return sent_; }
  // How many items may wait for it on this worker before its senders have no credit left.
  void set_room(std::uint64_t items) { room_ = items; }
  // How far the watermark of what it saw last lies behind the present.
  void lags(Duration lag) { lag_us_.store(lag.count(), std::memory_order_release); }
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
    std::uint64_t room = 0;
    std::optional<Duration> lag{};  // of steps with a watermark, once they have seen an item
    // When it first and last worked.
    std::optional<SteadyTime> first{};
    std::optional<SteadyTime> last{};
  };
  // `now` is of the clock that `set_held` was given.
  Reading read(SteadyTime now) const;
  Durations::Reading calls() const { return calls_.read(); }
  Durations::Reading snapshots() const { return snapshots_.read(); }

 private:
  // Instead of a time.
  static constexpr std::uint64_t kNotHeld = 0;
  static constexpr std::uint64_t kChanging = 1;
  static constexpr std::uint64_t kNever = 0;
  static constexpr std::int64_t kNoLag = std::numeric_limits<std::int64_t>::min();

  Duration held(std::uint64_t now) const;

  static std::uint64_t count_of(SteadyTime time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
  }
  // There is one writer: no other can come between.
  static void add(std::atomic<std::uint64_t>& number, std::uint64_t more) {
    number.store(number.load(std::memory_order_relaxed) + more, std::memory_order_release);
  }

  std::atomic<std::uint64_t> arrived_{0};
  std::atomic<std::uint64_t> began_{0};
  std::atomic<std::uint64_t> emitted_{0};
  std::atomic<std::uint64_t> worked_us_{0};
  std::atomic<std::uint64_t> first_us_{kNever};
  std::atomic<std::uint64_t> last_us_{kNever};
  std::atomic<std::uint64_t> room_{0};
  std::atomic<std::int64_t> lag_us_{kNoLag};
  Durations calls_;
  Durations snapshots_;
  std::atomic<std::uint64_t> held_us_{0};
  std::atomic<std::uint64_t> held_since_{kNotHeld};
  // The worker's own.
  bool is_held_ = false;
  Duration sent_{0};
};

// Tells a meter of the time of its life; without one it does not look at the clock.
class Timed {
 public:
  enum class As { kWork, kCalls, kBoth, kSnapshot };

  Timed(Meter* meter, const Clock& clock, As what) : meter_(meter), clock_(clock), what_(what) {
    if (!meter_) return;
    sent_before_ = meter_->sent();
    began_ = clock_.steady();
  }
  ~Timed() {
    if (!meter_) return;
    const SteadyTime now = clock_.steady();
    if (what_ == As::kWork || what_ == As::kBoth) meter_->worked(began_, now);
    const Duration own = (now - began_) - (meter_->sent() - sent_before_);
    if (what_ == As::kCalls || what_ == As::kBoth) meter_->called(own);
    if (what_ == As::kSnapshot) meter_->stored(own);
  }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  Meter* meter_;
  const Clock& clock_;
  As what_;
  SteadyTime began_{};
  Duration sent_before_{};
};

}  // namespace cppwax::operators
