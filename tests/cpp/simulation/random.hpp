// Decisions of a seeded run: the same on every machine and library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <vector>

namespace cppwax::simulation {

// Spreads the bits of a number (splitmix64).
constexpr std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// Belongs to one run.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(mix(seed)) {}

  std::uint64_t bits() { return engine_(); }
  // 0 … limit - 1. REQUIRES: limit > 0.
  std::size_t below(std::size_t limit) { return engine_() % limit; }
  std::size_t between(std::size_t least, std::size_t most) {
    return least + below(most - least + 1);
  }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }
  template <class T>
  T take_one(std::vector<T>& values) {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(below(values.size()));
    T value = *at;
    values.erase(at);
    return value;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace cppwax::simulation
