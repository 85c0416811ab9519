#include "engine/recovery/own_log.hpp"

#include <string>

#include "engine/recovery/schema.hpp"

namespace cppwax::recovery {

namespace {

// By checksums: that of the catalog stands for all rows but the blocks'.
std::string content_of(Database& database) {
  constexpr const char* kDoing = "compare it with the log beside it";
  check_schema(database);
  std::string content;
  const auto append = [&](const char* sql) {
    Statement row(database, sql, kDoing);
    while (row.step()) {
      content += std::to_string(row.number(0)) + " " + std::to_string(row.number(1)) + "\n";
    }
  };
  append("SELECT id, checksum FROM catalog");
  append("SELECT place, checksum FROM block ORDER BY place");
  return content;
}

// That the content makes no sense, and not that it could not be read.
bool is_of_the_content(StoreFault fault) {
  return fault == StoreFault::kDamaged || fault == StoreFault::kNotAPartition ||
         fault == StoreFault::kNewer;
}

bool log_adds_nothing(Database& database) {
  Database without(database.path(), Database::Access::kAsItLies, database.vfs());
  const std::string content = content_of(without);
  try {
    return content_of(database) == content;
  } catch (const StoreError& error) {
    if (!is_of_the_content(error.fault)) throw;
    return false;
  }
}

[[noreturn]] void refuse_log(const std::string& path) {
  throw StoreError(StoreFault::kInconsistent,
                   "recovery partition " + path +
                       " has no log of its own, for it is new, or was closed by its last run; " +
                       path + "-wal beside it is left over from another run, as where a copy is " +
                       "put back after a kill: remove that file to go on from what the partition " +
                       "itself holds");
}

}  // namespace

// A power cut can bring back a log that a clean end has removed; all of that is in the file.
int check_log_and_schema(Database& database) {
  if (database.disowns_log() && !log_adds_nothing(database)) refuse_log(database.path());
  return check_schema(database);
}

}  // namespace cppwax::recovery
