// How long calls took: a histogram with fixed bounds, as Prometheus has them.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "engine/base/clock.hpp"

namespace cppwax::operators {

// Written by its worker alone, read by any thread at any time.
class Durations {
 public:
  // Upper bounds, included; what is longer than all comes behind them.
  static constexpr std::array<Duration, 11> kBounds{
      std::chrono::microseconds(100), std::chrono::microseconds(500), std::chrono::milliseconds(1),
      std::chrono::milliseconds(5),   std::chrono::milliseconds(10),  std::chrono::milliseconds(50),
      std::chrono::milliseconds(100), std::chrono::milliseconds(500), std::chrono::seconds(1),
      std::chrono::seconds(5),        std::chrono::seconds(10)};

  struct Reading {
    std::array<std::uint64_t, kBounds.size() + 1> counts{};  // each without those below
    Duration sum{};
  };

  void add(Duration time) {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && time > kBounds[bucket]) ++bucket;
    add_to(counts_[bucket], 1);
    add_to(sum_us_, static_cast<std::uint64_t>(time.count()));
  }

  Reading read() const {
    Reading reading;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      reading.counts[i] = counts_[i].load(std::memory_order_acquire);
    }
    reading.sum = Duration(sum_us_.load(std::memory_order_acquire));
    return reading;
  }

 private:
  // There is one writer: no other can come between.
  static void add_to(std::atomic<std::uint64_t>& number, std::uint64_t more) {
    number.store(number.load(std::memory_order_relaxed) + more, std::memory_order_release);
  }

  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_us_{0};
};

}  // namespace cppwax::operators
