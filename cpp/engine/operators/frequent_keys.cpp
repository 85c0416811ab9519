#include "engine/operators/frequent_keys.hpp"

#include <algorithm>

namespace cppwax::operators {

namespace {

// Not within a character of several bytes.
std::string_view front_of(std::string_view key) {
  if (key.size() <= FrequentKeys::kLongest) return key;
  std::size_t end = FrequentKeys::kLongest;
  while (end > 0 && (static_cast<unsigned char>(key[end]) & 0xC0u) == 0x80u) --end;
  return key.substr(0, end);
}

}  // namespace

void FrequentKeys::add(std::string_view key) {
  key = front_of(key);
  if (++total_ > kHalvedAt) halve();
  const auto same = [&](const Counted& each) { return each.key == key; };
  if (const auto found = std::ranges::find_if(counted_, same); found != counted_.end()) {
    ++found->count;
  } else if (counted_.size() < kKeys) {
    counted_.push_back({std::string(key), 1, 0});
  } else {
    Counted& rarest = *std::ranges::min_element(counted_, {}, &Counted::count);
    rarest = {std::string(key), rarest.count + 1, rarest.count};
  }
}

void FrequentKeys::halve() {
  total_ /= 2;
  for (Counted& each : counted_) {
    each.taken_over /= 2;
    each.count /= 2;
  }
}

FrequentKeys::Reading FrequentKeys::read(std::size_t at_most) const {
  Reading reading{.keys = {}, .total = total_};
  for (const Counted& each : counted_) {
    const std::uint64_t own = each.count - each.taken_over;
    if (own > 1) reading.keys.emplace_back(each.key, own);
  }
  std::ranges::stable_sort(reading.keys, std::ranges::greater{},
                           [](const auto& each) { return each.second; });
  if (reading.keys.size() > at_most) reading.keys.resize(at_most);
  return reading;
}

}  // namespace cppwax::operators
