// Which process has which partition: the pure part of store_folder.hpp.
#include <map>
#include <set>

#include "engine/recovery/store_folder.hpp"

namespace cppwax::recovery {

namespace {

struct SeenPartition {
  std::size_t process;
  const FoundPartition* found;
};

std::string where(const SeenPartition& seen) {
  return seen.found->path + " (process " + std::to_string(seen.process) + ")";
}

void require_one_store(const SeenPartition& first, const SeenPartition& other) {
  const Identity& one = first.found->identity;
  const Identity& two = other.found->identity;
  // Where both are different, the numbers are what a user can see.
  if (one.count != two.count) {
    throw StoreError(StoreFault::kBadCount,
                     "these recovery partitions are not of one store: " + where(first) +
                         " is one of " + std::to_string(one.count) + ", " + where(other) +
                         " one of " + std::to_string(two.count) +
                         "; leave those of one store in the folder");
  }
  if (one.uuid != two.uuid) {
    throw StoreError(StoreFault::kInconsistent,
                     "these recovery partitions are of different stores: " + where(first) +
                         " and " + where(other) + "; leave those of one store in the folder");
  }
}

// Two hosts that mount one file system number it as they like, but its files alike.
bool same_file(const FoundPartition& one, const FoundPartition& two) {
  return one.file.inode == two.file.inode &&
         (one.file.device == two.file.device || one.host != two.host);
}

void require_one_file(const SeenPartition& first, const SeenPartition& other) {
  if (same_file(*first.found, *other.found)) return;
  throw StoreError(StoreFault::kInconsistent,
                   "partition " + std::to_string(first.found->identity.index.value()) +
                       " of the recovery store is there twice: " + where(first) + " and " +
                       where(other) + "; move the older copy away");
}

std::string list_of_missing(const std::set<std::uint32_t>& missing) {
  constexpr std::size_t kShown = 10;
  std::string text;
  std::size_t shown = 0;
  for (const std::uint32_t index : missing) {
    if (shown++ == kShown) return text + " and others";
    text += (text.empty() ? "" : ", ") + std::to_string(index);
  }
  return text;
}

void require_all(const std::map<std::uint32_t, std::vector<SeenPartition>>& by_index,
                 const SeenPartition& first) {
  std::set<std::uint32_t> missing;
  for (std::uint32_t index = 0; index < first.found->identity.count; ++index) {
    if (!by_index.contains(index)) missing.insert(index);
  }
  if (missing.empty()) return;
  throw StoreError(StoreFault::kMissing,
                   "of the " + std::to_string(first.found->identity.count) +
                       " partitions of the recovery store these are nowhere: " +
                       list_of_missing(missing) + "; there is " + where(first) +
                       ". Put the missing files back into the recovery folder of any process");
}

}  // namespace

std::vector<PartitionHome> arrange_partitions(
    const std::vector<std::vector<FoundPartition>>& by_process) {
  std::map<std::uint32_t, std::vector<SeenPartition>> by_index;
  std::vector<SeenPartition> all;
  for (std::size_t process = 0; process < by_process.size(); ++process) {
    for (const FoundPartition& found : by_process[process]) all.push_back({process, &found});
  }
  if (all.empty()) {
    throw StoreError(StoreFault::kNoPartitions,
                     "there is no recovery partition in the recovery folder; make a store with "
                     "`python -m cppwax.recovery`");
  }
  for (const SeenPartition& each : all) {
    require_one_store(all[0], each);
    auto& same = by_index[each.found->identity.index.value()];
    if (!same.empty()) require_one_file(same[0], each);
    same.push_back(each);
  }
  require_all(by_index, all[0]);

  std::vector<std::size_t> homes_of(by_process.size(), 0);
  std::vector<PartitionHome> homes;
  for (const auto& [index, seen] : by_index) {
    const SeenPartition* best = &seen[0];
    for (const SeenPartition& each : seen) {
      if (homes_of[each.process] < homes_of[best->process]) best = &each;
    }
    ++homes_of[best->process];
    homes.push_back({best->process, best->found->path, best->found->identity});
  }
  return homes;
}

}  // namespace cppwax::recovery
