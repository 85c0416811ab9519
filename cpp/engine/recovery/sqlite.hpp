// As much of SQLite as a recovery partition needs; the only place that knows its C interface. All
// that fails says which file it is and what to do about it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/recovery/store_error.hpp"

struct sqlite3;
struct sqlite3_file;
struct sqlite3_stmt;

namespace cppwax::recovery {

// One connection to one file. Used by one thread at a time. Invariant: closing it writes nothing; a
// write-ahead log that is there stays, whole, for the next who opens the file.
class Database {
 public:
  enum class Access {
    kReadWrite,  // the file must be there; nobody else may have it open
    // Looks at the file as it is, past locks and without its log: it has none, and nobody writes.
    kAsItLies,
    // The same for what never changes in it, also amid a checkpoint: that writes the header first,
    // and pages that it counts may not be in the file yet.
    kAmidCheckpoint,
    kInMemory,  // no file
  };

  // `vfs`: the way to the disk, null for SQLite's own.
  // Errors of all: StoreError.
  Database(std::string path, Access access, const char* vfs = nullptr);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::string& path() const { return path_; }
  const char* vfs() const { return vfs_; }

  // `doing` completes "cannot …" here and below, e.g. "commit epoch 3".
  void run(const std::string& sql, const std::string& doing);
  // The first column of the first row; 0 or nothing where there is no row.
  std::int64_t number(const std::string& sql, const std::string& doing);
  std::string text(const std::string& sql, const std::string& doing);
  // Whether the file can be written to, as far as can be told after something was read.
  bool writable();
  // Whether commits wait until the disk has them.
  void sync_commits(bool wait);
  // Whether the file says that it has no log, and one with content lies beside it.
  bool disowns_log();
  // Writes the log once more, as it is, and waits until the disk has it; nothing where none is
  // used.
  void rewrite_log(const std::string& doing);
  // Brings the log into the file, which then says that it has none. It stays open.
  void leave_log(const std::string& doing);
  // The same at the end: the file is whole, and alone, afterwards.
  void fold_log();

  // For the error that SQLite has just reported.
  [[noreturn]] void fail(const std::string& doing);
  [[noreturn]] void fail(const std::string& doing, int code, int system_error);
  // For what is in the file and cannot be.
  [[noreturn]] void damaged(const std::string& what);

  sqlite3* handle() { return handle_; }

 private:
  void set_up(Access access);
  void checkpoint(const std::string& doing);
  void require_done(int code, sqlite3_file* file, const std::string& doing);

  std::string path_;
  const char* vfs_;
  sqlite3* handle_ = nullptr;
  bool syncs_commits_ = false;
};

// Belongs to its database, which outlives it. Ready to be bound anew whenever `step` has said that
// there is no more, and after `reset`.
class Statement {
 public:
  Statement(Database& database, const char* sql, std::string doing);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int at, std::int64_t value);
  // The bytes live until the statement is ready again.
  Statement& bind(int at, std::string_view bytes);
  // Returns whether there is a row.
  bool step();
  // To the end: a change of mode tells its result first, and can fail after that.
  void finish();
  void reset();
  std::int64_t number(int column);
  // Valid until the next step.
  std::string_view bytes(int column);

 private:
  void require(int code);

  Database& database_;
  std::string doing_;
  sqlite3_stmt* handle_ = nullptr;
};

// What is written in its life counts only if it is committed.
class Transaction {
 public:
  Transaction(Database& database, std::string doing);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  Database* database_;
  std::string doing_;
};

}  // namespace cppwax::recovery
