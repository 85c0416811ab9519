// Whether the write-ahead log beside a partition is that of the partition: SQLite's logs do not say
// whose they are, and whatever lies there is taken for the newest of the file.
#pragma once

#include "engine/recovery/sqlite.hpp"

namespace cppwax::recovery {

// `check_schema` for a file that was just opened to be read with its log; changes nothing. Errors:
// also if the log is of another run.
int check_log_and_schema(Database& database);

}  // namespace cppwax::recovery
