// Which keys come most often, of a sample of them: for whoever watches the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cppwax::operators {

// Bounded by kKeys, whatever comes ("space saving": a key that finds no place takes that of the
// rarest, with its count, so that one that comes often stays). Not thread-safe. What came long ago
// counts ever less.
class FrequentKeys {
 public:
  static constexpr std::size_t kKeys = 32;
  static constexpr std::uint64_t kHalvedAt = 4096;

  // Of longer keys the front counts.
  static constexpr std::size_t kLongest = 64;

  void add(std::string_view key);

  struct Reading {
    std::vector<std::pair<std::string, std::uint64_t>> keys;  // most frequent first
    std::uint64_t total = 0;                                  // of all keys, these or not
  };
  // How often keys came at least, of those that came more than once.
  Reading read(std::size_t at_most) const;

 private:
  void halve();

  struct Counted {
    std::string key;
    std::uint64_t count;
    std::uint64_t taken_over;  // of the count: others came so often before it
  };
  std::vector<Counted> counted_;
  std::uint64_t total_ = 0;
};

}  // namespace cppwax::operators
