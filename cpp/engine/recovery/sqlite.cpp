#include "engine/recovery/sqlite.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace cppwax::recovery {

namespace {

constexpr int kOpenFlags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;

// A path as SQLite's URIs want it.
std::string uri_of(const std::string& path) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char each : path) {
    const auto byte = static_cast<unsigned char>(each);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                       (byte >= 'A' && byte <= 'Z') || std::strchr("/._-", each) != nullptr;
    if (plain) {
      uri += each;
    } else {
      uri += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return uri + "?immutable=1";
}

struct Reason {
  StoreFault fault;
  std::string text;
};

std::string with_system_error(const std::string& text, int system_error) {
  return system_error ? text + " (" + std::strerror(system_error) + ")" : text;
}

// What an error of SQLite means for who runs a flow.
Reason reason_of(int code, int system_error) {
  if ((code & 0xff) == SQLITE_FULL || system_error == ENOSPC || system_error == EDQUOT) {
    return {StoreFault::kDiskFull,
            "there is no space left on its disk; free some and start again: all epochs that were "
            "durable are safe"};
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {StoreFault::kInUse, "another program has it open; end that one first"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {StoreFault::kDamaged,
              "its content is damaged; put back a copy of it (with the file `-wal` beside it, if "
              "the copy has one)"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return {StoreFault::kNotWritable,
              with_system_error("it, or its folder, cannot be written to", system_error) +
                  "; check that both are there, that this user owns them, and that the file "
                  "system is not read-only"};
    case SQLITE_NOMEM:
      return {StoreFault::kDisk, "there is not enough memory"};
    case SQLITE_TOOBIG:
      return {StoreFault::kDisk, "a single state is larger than what a store takes (some 950 MB)"};
    case SQLITE_IOERR:
      return {StoreFault::kDisk,
              with_system_error("its disk reports an error", system_error) +
                  "; mend or replace the disk and start again: all epochs that were durable and "
                  "can still be read are safe"};
    default:
      return {StoreFault::kDisk, std::string("SQLite says: ") + sqlite3_errstr(code)};
  }
}

// After each commit. SQLite's own does the same, but passes over a failure: what a sync that failed
// has forgotten would be built on.
int checkpoint_long_log(void*, sqlite3* handle, const char* schema, int pages) {
  constexpr int kMostPages = 256;
  if (pages < kMostPages) return SQLITE_OK;
  return sqlite3_wal_checkpoint_v2(handle, schema, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

}  // namespace

Database::Database(std::string path, Access access, const char* vfs)
    : path_(std::move(path)), vfs_(vfs) {
  int flags = kOpenFlags;
  std::string name = path_;
  switch (access) {
    case Access::kReadWrite:
      flags |= SQLITE_OPEN_READWRITE;
      break;
    case Access::kAsItLies:
    case Access::kAmidCheckpoint:
      flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
      name = uri_of(path_);
      break;
    case Access::kInMemory:
      flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
      break;
  }
  try {
    const int code = sqlite3_open_v2(name.c_str(), &handle_, flags, vfs);
    if (code != SQLITE_OK) fail("open it");
    set_up(access);
  } catch (...) {
    sqlite3_close(handle_);
    throw;
  }
}

Database::~Database() {
  sqlite3_close(handle_);
}

void Database::set_up(Access access) {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  // Only who says that he may write to the schema is let past a header that counts too many pages.
  const bool any_size = access == Access::kAmidCheckpoint;
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_WRITABLE_SCHEMA, any_size, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, !any_size, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  run("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"
      "PRAGMA mmap_size=0; PRAGMA secure_delete=OFF",
      "set it up");
  if (access != Access::kReadWrite) return;
  // Before anything is read: then the log needs no shared memory.
  run("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_size_limit=4194304", "set it up");
  sqlite3_wal_hook(handle_, checkpoint_long_log, nullptr);
  sync_commits(true);
}

void Database::run(const std::string& sql, const std::string& doing) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail(doing);
}

std::int64_t Database::number(const std::string& sql, const std::string& doing) {
  Statement statement(*this, sql.c_str(), doing);
  if (!statement.step()) return 0;
  const std::int64_t first = statement.number(0);
  statement.finish();
  return first;
}

std::string Database::text(const std::string& sql, const std::string& doing) {
  Statement statement(*this, sql.c_str(), doing);
  if (!statement.step()) return "";
  std::string first(statement.bytes(0));
  statement.finish();
  return first;
}

bool Database::writable() {
  return sqlite3_db_readonly(handle_, "main") == 0;
}

void Database::sync_commits(bool wait) {
  if (syncs_commits_ == wait) return;
  // Beyond FULL it is for the removal of a journal: it must not come back beside a log.
  run(wait ? "PRAGMA synchronous=EXTRA" : "PRAGMA synchronous=NORMAL", "set it up");
  syncs_commits_ = wait;
}

// In the file's header, at 18, are the versions that it wants of who writes and who reads it: 1,
// or 2 from the beginning of a log to the next change of mode.
bool Database::disowns_log() {
  constexpr const char* kDoing = "look for its log";
  constexpr sqlite3_int64 kVersionsAt = 18;
  sqlite3_file* file = nullptr;
  sqlite3_vfs* vfs = nullptr;
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
  char versions[2] = {};
  const int read = file->pMethods->xRead(file, versions, sizeof versions, kVersionsAt);
  if (read == SQLITE_IOERR_SHORT_READ) return false;
  require_done(read, file, kDoing);
  if (versions[0] != 1 || versions[1] != 1) return false;
  // An empty file does not count.
  int there = 0;
  const std::string log = path_ + "-wal";
  require_done(vfs->xAccess(vfs, log.c_str(), SQLITE_ACCESS_EXISTS, &there), file, kDoing);
  return there != 0;
}

void Database::rewrite_log(const std::string& doing) {
  if (text("PRAGMA journal_mode", doing) != "wal") return;
  sqlite3_file* log = nullptr;
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  sqlite3_int64 size = 0;
  require_done(log->pMethods->xFileSize(log, &size), log, doing);
  // More than the largest page no file of SQLite has to take at once.
  constexpr sqlite3_int64 kMostBytes = 65'536;
  std::string part(kMostBytes, '\0');
  for (sqlite3_int64 at = 0; at < size;) {
    const int count = static_cast<int>(std::min(size - at, kMostBytes));
    require_done(log->pMethods->xRead(log, part.data(), count, at), log, doing);
    require_done(log->pMethods->xWrite(log, part.data(), count, at), log, doing);
    at += count;
  }
  require_done(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), log, doing);
}

// Of a call past SQLite to its file.
void Database::require_done(int code, sqlite3_file* file, const std::string& doing) {
  if (code == SQLITE_OK) return;
  int system_error = 0;
  file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &system_error);
  fail(doing, code, system_error);
}

// A change of mode does this too, but does not tell why it failed.
void Database::checkpoint(const std::string& doing) {
  sync_commits(true);
  const int code =
      sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code != SQLITE_OK) fail(doing);
}

void Database::leave_log(const std::string& doing) {
  checkpoint(doing);
  if (text("PRAGMA journal_mode=DELETE", doing) != "delete") fail(doing);
}

void Database::fold_log() {
  checkpoint("bring its log into it");
  bool alone = false;
  try {
    alone = text("PRAGMA journal_mode=DELETE", "close it") == "delete";
    // While it has the file for itself SQLite keeps the journal of that change.
    run("PRAGMA locking_mode=NORMAL; SELECT count(*) FROM sqlite_master", "close it");
  } catch (const StoreError&) {
    alone = false;  // what SQLite says of it here is not the reason
  }
  if (alone) return;
  throw StoreError(StoreFault::kDisk,
                   "recovery partition " + path_ + ": the files `-wal` or `-journal` beside it " +
                       "cannot be removed; they belong to it until the next run");
}

void Database::fail(const std::string& doing) {
  if (!handle_) fail(doing, SQLITE_NOMEM, 0);
  fail(doing, sqlite3_extended_errcode(handle_), sqlite3_system_errno(handle_));
}

void Database::fail(const std::string& doing, int code, int system_error) {
  const bool disk = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN ||
                    (code & 0xff) == SQLITE_FULL;
  const Reason reason = reason_of(code, disk ? system_error : 0);
  throw StoreError(reason.fault,
                   "recovery partition " + path_ + ": cannot " + doing + ": " + reason.text);
}

void Database::damaged(const std::string& what) {
  throw StoreError(StoreFault::kDamaged,
                   "recovery partition " + path_ + " is damaged: " + what +
                       "; put back a copy of it (with the file `-wal` beside it, if the copy has "
                       "one)");
}

Statement::Statement(Database& database, const char* sql, std::string doing)
    : database_(database), doing_(std::move(doing)) {
  require(
      sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle_, nullptr));
}

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

void Statement::require(int code) {
  if (code != SQLITE_OK) database_.fail(doing_);
}

Statement& Statement::bind(int at, std::int64_t value) {
  require(sqlite3_bind_int64(handle_, at, value));
  return *this;
}

Statement& Statement::bind(int at, std::string_view bytes) {
  // A null pointer would bind NULL.
  const char* data = bytes.data() ? bytes.data() : "";
  require(sqlite3_bind_blob64(handle_, at, data, bytes.size(), SQLITE_STATIC));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    // Before `reset`, which forgets the reason.
    try {
      database_.fail(doing_);
    } catch (...) {
      sqlite3_reset(handle_);
      throw;
    }
  }
  sqlite3_reset(handle_);
  return false;
}

void Statement::finish() {
  while (step()) continue;
}

void Statement::reset() {
  sqlite3_reset(handle_);
}

std::int64_t Statement::number(int column) {
  return sqlite3_column_int64(handle_, column);
}

std::string_view Statement::bytes(int column) {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_, column));
  // No memory to gather a long value in.
  if (!data && sqlite3_errcode(database_.handle()) == SQLITE_NOMEM) database_.fail(doing_);
  return data ? std::string_view(data, size) : std::string_view();
}

Transaction::Transaction(Database& database, std::string doing)
    : database_(&database), doing_(std::move(doing)) {
  database.run("BEGIN IMMEDIATE", doing_);
}

Transaction::~Transaction() {
  if (database_) sqlite3_exec(database_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_->run("COMMIT", doing_);
  database_ = nullptr;
}

}  // namespace cppwax::recovery
