// The files of a recovery store: made, found, and arranged over the processes of a run
// (docs/progress_and_snapshots.md P13).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/recovery/file_claim.hpp"
#include "engine/recovery/schema.hpp"

namespace cppwax::recovery {

// Makes `count` empty partitions in a folder that is there: all of them, or none.
// Errors: StoreError, also if one lies there already.
void init_store(const std::string& folder, std::int64_t count);

// What a process sees of a partition.
struct FoundPartition {
  std::string path;
  Identity identity;
  FileId file;
  std::string host{};  // device numbers mean something on one host alone; empty: this one
};

// Where this process runs, for `FoundPartition::host`: the same for all of one system.
std::string this_host();

struct FoundStore {
  std::vector<FoundPartition> partitions;
  std::vector<std::string> warnings;
};

// Looks into a folder; changes nothing, and may be done while a run is on. There may be no
// partition. Errors: StoreError if the folder is not there, if others than its owner may write to
// it, and if a file is no partition or is damaged where it says which.
FoundStore find_partitions(const std::string& folder);

struct PartitionHome {
  std::size_t process;
  std::string path;
  Identity identity;
};

// By partition, who is its primary: spread evenly over the processes that see it. Pure: every
// process finds the same from the same. Errors: StoreError if there are none, some are missing, or
// they do not belong together.
std::vector<PartitionHome> arrange_partitions(
    const std::vector<std::vector<FoundPartition>>& by_process);

}  // namespace cppwax::recovery
