#include "support/memory_disk.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace cppwax::test {

namespace {

// What was done to a file since it was synced.
struct Change {
  std::size_t at;
  std::optional<std::string> bytes;  // none: the file was cut there
};

struct DiskFile {
  std::string now;
  std::string synced;
  bool is_synced = false;  // its name too
  std::vector<Change> changes;

  static void apply(const Change& change, std::string& to) {
    if (!change.bytes) {
      to.resize(std::min(to.size(), change.at));
      return;
    }
    to.resize(std::max(to.size(), change.at + change.bytes->size()));
    to.replace(change.at, change.bytes->size(), *change.bytes);
  }
  void change(Change what) {
    apply(what, now);
    changes.push_back(std::move(what));
  }
  void sync() {
    for (const Change& each : changes) apply(each, synced);
    changes.clear();
    is_synced = true;
  }
  // Returns whether there still is such a file.
  bool lose_power(const std::function<bool()>& survives) {
    if (!is_synced && !survives()) return false;
    for (const Change& each : changes) {
      if (survives()) apply(each, synced);
    }
    now = synced;
    changes.clear();
    is_synced = true;
    return true;
  }
};

using Files = std::map<std::string, std::shared_ptr<DiskFile>>;

}  // namespace

struct MemoryDisk::State {
  sqlite3_vfs vfs{};
  std::string name;
  Files files;
  Files removed;  // not for good before the folder is synced

  std::size_t operations = 0;
  std::size_t syncs = 0;
  std::optional<std::size_t> fails_at;
  Fault fault = Fault::kInputOutput;
  bool for_ever = false;
  bool failed = false;
  std::function<void()> on_sync;

  enum class Kind { kSync, kWrite, kOther };

  // SQLITE_OK, or how this operation fails.
  int next(int failure, Kind kind = Kind::kOther) {
    const std::size_t operation = operations++;
    const std::size_t sync = kind == Kind::kSync ? syncs++ : syncs;
    const bool is_of_syncs = fault == Fault::kForgottenSync;
    if (!fails_at || (is_of_syncs ? sync : operation) < *fails_at) return SQLITE_OK;
    if (fault == Fault::kFull && kind != Kind::kWrite) return SQLITE_OK;
    if (is_of_syncs && kind != Kind::kSync) return SQLITE_OK;
    if (failed && !for_ever) return SQLITE_OK;
    failed = true;
    return fault == Fault::kFull ? SQLITE_FULL : failure;
  }

  // --- what SQLite calls ------------------------------------------------------------------------

  struct Opened {
    sqlite3_file base;
    State* disk;
    std::shared_ptr<DiskFile>* file;
  };
  static Opened& at(sqlite3_file* file) { return *reinterpret_cast<Opened*>(file); }
  static State& at(sqlite3_vfs* vfs) { return *static_cast<State*>(vfs->pAppData); }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* given) {
    State& disk = at(vfs);
    file->pMethods = nullptr;
    if (disk.next(SQLITE_CANTOPEN) != SQLITE_OK) return SQLITE_CANTOPEN;
    std::shared_ptr<DiskFile> content;
    const auto known = path ? disk.files.find(path) : disk.files.end();
    if (known != disk.files.end()) {
      content = known->second;
    } else if (path && !(flags & SQLITE_OPEN_CREATE)) {
      return SQLITE_CANTOPEN;
    } else {
      content = std::make_shared<DiskFile>();
      if (path) disk.files[path] = content;
    }
    at(file).disk = &disk;
    at(file).file = new std::shared_ptr<DiskFile>(std::move(content));
    file->pMethods = &methods();
    if (given) *given = flags;
    return SQLITE_OK;
  }
  static int close(sqlite3_file* file) {
    delete at(file).file;
    return SQLITE_OK;
  }
  static int read(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
    if (const int code = at(file).disk->next(SQLITE_IOERR_READ)) return code;
    const std::string& bytes = (*at(file).file)->now;
    const auto from = std::min(static_cast<std::size_t>(offset), bytes.size());
    const auto wanted = static_cast<std::size_t>(count);
    const std::size_t have = std::min(wanted, bytes.size() - from);
    std::memcpy(to, bytes.data() + from, have);
    std::memset(static_cast<char*>(to) + have, 0, wanted - have);
    return have == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }
  static int write(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
    const std::string bytes(static_cast<const char*>(from), static_cast<std::size_t>(count));
    const auto where = static_cast<std::size_t>(offset);
    if (const int code = at(file).disk->next(SQLITE_IOERR_WRITE, Kind::kWrite)) {
      // Half of it may have gone through.
      (*at(file).file)->change({where, bytes.substr(0, bytes.size() / 2)});
      return code;
    }
    (*at(file).file)->change({where, bytes});
    return SQLITE_OK;
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    if (const int code = at(file).disk->next(SQLITE_IOERR_TRUNCATE)) return code;
    (*at(file).file)->change({static_cast<std::size_t>(size), std::nullopt});
    return SQLITE_OK;
  }
  static int sync(sqlite3_file* file, int) {
    State& disk = *at(file).disk;
    if (disk.on_sync) disk.on_sync();
    if (const int code = disk.next(SQLITE_IOERR_FSYNC, Kind::kSync)) {
      if (disk.fault == Fault::kForgottenSync) (*at(file).file)->changes.clear();
      return code;
    }
    (*at(file).file)->sync();
    return SQLITE_OK;
  }
  static int size(sqlite3_file* file, sqlite3_int64* bytes) {
    if (const int code = at(file).disk->next(SQLITE_IOERR_FSTAT)) return code;
    *bytes = static_cast<sqlite3_int64>((*at(file).file)->now.size());
    return SQLITE_OK;
  }
  static int remove(sqlite3_vfs* vfs, const char* path, int syncs_folder) {
    State& disk = at(vfs);
    if (const int code = disk.next(SQLITE_IOERR_DELETE)) return code;
    const auto file = disk.files.find(path);
    if (file == disk.files.end()) return SQLITE_IOERR_DELETE_NOENT;
    if (!syncs_folder) disk.removed[path] = file->second;
    disk.files.erase(file);
    if (syncs_folder) disk.removed.clear();
    return SQLITE_OK;
  }
  static int exists(sqlite3_vfs* vfs, const char* path, int, int* result) {
    State& disk = at(vfs);
    if (const int code = disk.next(SQLITE_IOERR_ACCESS)) return code;
    const auto file = disk.files.find(path);
    // As the system's: an empty file is as good as none.
    *result = file != disk.files.end() && !file->second->now.empty();
    return SQLITE_OK;
  }

  static int lock(sqlite3_file*, int) { return SQLITE_OK; }
  static int has_lock(sqlite3_file*, int* result) {
    *result = 0;
    return SQLITE_OK;
  }
  static int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  static int sector(sqlite3_file*) { return 4096; }
  static int character(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }
  static int full_path(sqlite3_vfs*, const char* path, int room, char* to) {
    sqlite3_snprintf(room, to, "%s", path);
    return SQLITE_OK;
  }
  static int random(sqlite3_vfs*, int count, char* to) {
    std::memset(to, 7, static_cast<std::size_t>(count));
    return count;
  }
  static int no_sleep(sqlite3_vfs*, int) { return 0; }
  static int no_time(sqlite3_vfs*, double* days) {
    *days = 2460000.5;
    return SQLITE_OK;
  }
  static int last_error(sqlite3_vfs*, int, char*) { return 0; }

  static const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods all = [] {
      sqlite3_io_methods calls{};
      calls.iVersion = 1;
      calls.xClose = close;
      calls.xRead = read;
      calls.xWrite = write;
      calls.xTruncate = truncate;
      calls.xSync = sync;
      calls.xFileSize = size;
      calls.xLock = lock;
      calls.xUnlock = lock;
      calls.xCheckReservedLock = has_lock;
      calls.xFileControl = control;
      calls.xSectorSize = sector;
      calls.xDeviceCharacteristics = character;
      return calls;
    }();
    return all;
  }
};

MemoryDisk::MemoryDisk() : state_(std::make_unique<State>()) {
  static std::atomic<int> disks = 0;
  state_->name = "memory-disk-" + std::to_string(++disks);
  sqlite3_vfs& vfs = state_->vfs;
  vfs.iVersion = 1;
  vfs.szOsFile = sizeof(State::Opened);
  vfs.mxPathname = 500;
  vfs.zName = state_->name.c_str();
  vfs.pAppData = state_.get();
  vfs.xOpen = State::open;
  vfs.xDelete = State::remove;
  vfs.xAccess = State::exists;
  vfs.xFullPathname = State::full_path;
  vfs.xRandomness = State::random;
  vfs.xSleep = State::no_sleep;
  vfs.xCurrentTime = State::no_time;
  vfs.xGetLastError = State::last_error;
  sqlite3_initialize();
  sqlite3_vfs_register(&vfs, 0);
}

MemoryDisk::~MemoryDisk() {
  sqlite3_vfs_unregister(&state_->vfs);
}

const char* MemoryDisk::vfs() const {
  return state_->name.c_str();
}

void MemoryDisk::create(const std::string& path) {
  auto file = std::make_shared<DiskFile>();
  file->sync();
  state_->files[path] = std::move(file);
}

MemoryDisk::Contents MemoryDisk::contents() const {
  Contents contents;
  for (const auto& [path, file] : state_->files) contents[path] = file->now;
  return contents;
}

void MemoryDisk::set_contents(Contents contents) {
  state_->files.clear();
  state_->removed.clear();
  for (auto& [path, bytes] : contents) {
    auto file = std::make_shared<DiskFile>();
    file->change({0, std::move(bytes)});
    file->sync();
    state_->files[path] = std::move(file);
  }
}

void MemoryDisk::fail_at(std::size_t operation, Fault fault, bool for_ever) {
  const bool is_of_syncs = fault == Fault::kForgottenSync;
  state_->fails_at = (is_of_syncs ? state_->syncs : state_->operations) + operation;
  state_->fault = fault;
  state_->for_ever = for_ever || fault == Fault::kPowerCut;
  state_->failed = false;
}

void MemoryDisk::on_sync(std::function<void()> call) {
  state_->on_sync = std::move(call);
}

void MemoryDisk::heal() {
  state_->fails_at.reset();
}

void MemoryDisk::restart(const std::function<bool()>& survives) {
  for (auto& [path, file] : state_->removed) {
    if (!state_->files.contains(path) && survives()) state_->files[path] = file;
  }
  state_->removed.clear();
  std::erase_if(state_->files,
                [&](const auto& each) { return !each.second->lose_power(survives); });
  heal();
}

std::size_t MemoryDisk::operations() const {
  return state_->operations;
}
bool MemoryDisk::has_failed() const {
  return state_->failed;
}

}  // namespace cppwax::test
