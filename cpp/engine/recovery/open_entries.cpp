#include "engine/recovery/open_entries.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/recovery/key_prefix.hpp"

namespace cppwax::recovery {

std::string_view OpenEntries::entry_at(std::size_t at, EntryView& entry) const {
  std::size_t end = at;
  ENGINE_ASSERT(read_entry(bytes_, end, entry), at, bytes_.size());
  return std::string_view(bytes_).substr(at, end - at);
}

bool OpenEntries::has_key(const Place& place, std::uint64_t prefix, std::string_view key) const {
  if (place.prefix != prefix) return false;
  EntryView entry;
  entry_at(place.at, entry);
  return entry.key == key;
}

void OpenEntries::add(const EntryView& entry) {
  append_entry(bytes_, entry);
  if (count_++ == 0) common_ = entry.key;
  if (entry.key.starts_with(common_)) return;
  const auto differ =
      std::mismatch(common_.begin(), common_.end(), entry.key.begin(), entry.key.end());
  common_.erase(differ.first, common_.end());
}

// Keys such as "user-17" differ behind what they share: there the numbers that are compared first
// are taken from, or most comparisons would have to look at the keys.
std::vector<OpenEntries::Place> OpenEntries::in_order() const {
  std::vector<Place> places;
  places.reserve(count_);
  EntryView entry;
  for (std::size_t at = 0; at < bytes_.size();) {
    const std::size_t size = entry_at(at, entry).size();
    places.push_back({key_prefix(entry.key.substr(common_.size())), at});
    at += size;
  }
  sort_by_prefix(places);
  sort_by_key(places);
  return places;
}

// A radix sort, from the last byte to the first; bytes that are the same everywhere cost nothing.
// Keeps the order of equal ones.
void OpenEntries::sort_by_prefix(std::vector<Place>& places) {
  constexpr std::size_t kBytes = sizeof(std::uint64_t);
  const auto byte_of = [](const Place& place, std::size_t byte) {
    return static_cast<unsigned char>(place.prefix >> 8 * byte);
  };
  std::array<std::array<std::size_t, 256>, kBytes> counts{};
  for (const Place& place : places) {
    for (std::size_t byte = 0; byte < kBytes; ++byte) ++counts[byte][byte_of(place, byte)];
  }
  std::vector<Place> sorted(places.size());
  for (std::size_t byte = 0; byte < kBytes; ++byte) {
    auto& next = counts[byte];
    if (std::ranges::find(next, places.size()) != next.end()) continue;
    std::size_t begin = 0;
    for (std::size_t& each : next) begin += std::exchange(each, begin);
    for (const Place& place : places) sorted[next[byte_of(place, byte)]++] = place;
    places.swap(sorted);
  }
}

// What the numbers leave open. Of equal keys the one that was added last is last.
void OpenEntries::sort_by_key(std::vector<Place>& places) const {
  const auto comes_before = [&](const Place& left, const Place& right) {
    EntryView left_entry;
    EntryView right_entry;
    entry_at(left.at, left_entry);
    entry_at(right.at, right_entry);
    const int order = left_entry.key.compare(right_entry.key);
    return order != 0 ? order < 0 : left.at < right.at;
  };
  for (auto begin = places.begin(); begin != places.end();) {
    const auto end = std::find_if(
        begin, places.end(), [&](const Place& place) { return place.prefix != begin->prefix; });
    if (end - begin > 1) std::sort(begin, end, comes_before);
    begin = end;
  }
}

}  // namespace cppwax::recovery
