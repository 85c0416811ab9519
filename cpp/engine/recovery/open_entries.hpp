// The entries of a step in the epoch that is open: gathered in any order, told in that of their
// keys. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/recovery/block.hpp"

namespace cppwax::recovery {

// Used by one thread. Holds bytes as blocks do, one entry behind the other.
class OpenEntries {
 public:
  void add(const EntryView& entry);
  bool empty() const { return bytes_.empty(); }
  // Calls `take(bytes of the entry, entry)` for each key, as it was added last, in order, and is
  // empty then.
  template <class Take>
  void drain(Take&& take) {
    const std::vector<Place> order = in_order();
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i + kSoon < order.size()) __builtin_prefetch(bytes_.data() + order[i + kSoon].at);
      EntryView entry;
      const std::string_view bytes = entry_at(order[i].at, entry);
      if (i + 1 < order.size() && has_key(order[i + 1], order[i].prefix, entry.key)) continue;
      take(bytes, entry);
    }
    std::string().swap(bytes_);  // an assignment would keep the memory
    count_ = 0;
  }

 private:
  // Sorting moves these rather than entries.
  struct Place {
    std::uint64_t prefix;
    std::size_t at;
  };
  static constexpr std::size_t kSoon = 8;

  std::string_view entry_at(std::size_t at, EntryView& entry) const;
  bool has_key(const Place& place, std::uint64_t prefix, std::string_view key) const;
  std::vector<Place> in_order() const;
  static void sort_by_prefix(std::vector<Place>& places);
  void sort_by_key(std::vector<Place>& places) const;

  std::string bytes_;
  std::size_t count_ = 0;
  std::string common_;  // what all keys begin with
};

}  // namespace cppwax::recovery
