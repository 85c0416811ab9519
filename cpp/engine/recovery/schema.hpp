// The tables of a recovery partition, their versions, and what a file is: docs/recovery_format.md.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/ids.hpp"
#include "engine/recovery/sqlite.hpp"

namespace cppwax::recovery {

// Which store a partition is of, and which of its partitions it is. Never changes.
struct Identity {
  std::string uuid;
  RecoveryPartitionIndex index{};
  std::uint32_t count = 1;

  bool operator==(const Identity&) const = default;
};

// Fills a new, empty file. Errors of all: StoreError.
void create_schema(Database& database, const Identity& identity);

// The version of the schema that the file has. Errors: also if the file is none of ours, is of a
// later version than this one knows, or has other tables than its version says.
int check_schema(Database& database);

// Brings the tables from `version` to the present one. REQUIRES: an open transaction.
void migrate_schema(Database& database, int version);

Identity read_identity(Database& database);

}  // namespace cppwax::recovery
