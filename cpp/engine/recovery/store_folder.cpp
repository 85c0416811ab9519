#include "engine/recovery/store_folder.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

namespace cppwax::recovery {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostPartitions = 10'000;

std::string system_text(int error) {
  return std::strerror(error);
}

std::string partition_name(std::int64_t index) {
  return "part-" + std::to_string(index) + ".sqlite3";
}

bool is_partition_name(const std::string& name) {
  constexpr std::string_view kFront = "part-";
  constexpr std::string_view kBack = ".sqlite3";
  if (!name.starts_with(kFront) || !name.ends_with(kBack)) return false;
  const auto digits = std::string_view(name).substr(
      kFront.size(), name.size() - std::min(name.size(), kFront.size() + kBack.size()));
  return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
}

// SQLite takes it for the newest of whatever partition has that name.
bool is_log_name(const std::string& name) {
  const std::size_t end = name.rfind('-');
  if (end == std::string::npos || !is_partition_name(name.substr(0, end))) return false;
  return name.substr(end) == "-wal" || name.substr(end) == "-journal";
}

// Without links on the way, as SQLite and messages shall have it.
std::string real_folder(const std::string& folder) {
  struct stat status{};
  if (stat(folder.c_str(), &status) != 0) {
    const StoreFault fault = errno == ENOENT ? StoreFault::kNoFolder : StoreFault::kNotWritable;
    throw StoreError(
        fault, "the recovery folder '" + folder + "' cannot be opened: " + system_text(errno) +
                   "; make it with `mkdir`, then the store" + " with `python -m cppwax.recovery`");
  }
  if (!S_ISDIR(status.st_mode)) {
    throw StoreError(StoreFault::kNotAFolder,
                     "'" + folder + "' is no folder; name the one in which the partitions lie");
  }
  const std::unique_ptr<char, void (*)(void*)> real(realpath(folder.c_str(), nullptr), std::free);
  return real ? real.get() : folder;
}

// Sorted by name.
std::vector<std::string> files_in(const std::string& folder,
                                  bool (*is_wanted)(const std::string& name)) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator each(folder, error), end; !error && each != end;
       each.increment(error)) {
    if (is_wanted(each->path().filename())) paths.push_back(each->path());
  }
  if (error) {
    throw StoreError(StoreFault::kNotWritable,
                     "the recovery folder '" + folder + "' cannot be read: " + error.message());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// A state is a pickle: who writes to the store runs code in the flow.
void require_safe(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return;
  throw StoreError(StoreFault::kUnsafe,
                   "'" + path + "' can be written to by others than its owner, who could make a " +
                       "flow run anything; take that away with `chmod go-w '" + path + "'`");
}

std::optional<std::string> warning_of_owner(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0 || status.st_uid == geteuid()) return std::nullopt;
  return "'" + path + "' belongs to user " + std::to_string(status.st_uid) +
         ", not to the user of this run (" + std::to_string(geteuid()) +
         "); who owns a recovery store can make the flow run anything";
}

std::string new_uuid() {
  unsigned char bytes[16];
  if (getentropy(bytes, sizeof bytes) != 0) {
    throw StoreError(StoreFault::kDisk,
                     "the system gives no random numbers: " + system_text(errno));
  }
  constexpr char kHex[] = "0123456789abcdef";
  std::string uuid;
  for (const unsigned char byte : bytes) uuid += {kHex[byte >> 4], kHex[byte & 15]};
  return uuid;
}

[[noreturn]] void cannot_make(const std::string& path, int error) {
  const StoreFault fault =
      error == ENOSPC || error == EDQUOT ? StoreFault::kDiskFull : StoreFault::kNotWritable;
  throw StoreError(fault, "cannot make recovery partition " + path + ": " + system_text(error));
}

[[noreturn]] void refuse_second_store(const std::string& path) {
  throw StoreError(StoreFault::kAlreadyThere,
                   "there is a recovery store already: " + path +
                       "; use it, or remove its files to begin anew, or name another folder");
}

[[noreturn]] void refuse_old_log(const std::string& path) {
  throw StoreError(StoreFault::kAlreadyThere,
                   path +
                       " is left over from an earlier store, and its states would get into the new "
                       "one; remove it, and all others that end in -wal or -journal, or name "
                       "another folder");
}

// Before SQLite sees it, so that nobody else ever may read it; its journals get the same mode.
void make_empty_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) cannot_make(path, errno);
  close(fd);
}

void sync_folder(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  // Some file systems cannot, and then need not.
  if (!synced && error != EINVAL) cannot_make(folder, error);
}

// As rename(2), but fails with EEXIST where there is a file of that name.
int rename_to_new(const char* from, const char* to) {
#if defined(RENAME_NOREPLACE)
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
#elif defined(RENAME_EXCL)
  return renamex_np(from, to, RENAME_EXCL);
#else
  static_cast<void>(from), static_cast<void>(to);
  errno = ENOSYS;
  return -1;
#endif
}

// Gives a file its name if there is none of that name. Returns whether there was none.
bool put_in_place(const std::string& from, const std::string& to) {
  if (rename_to_new(from.c_str(), to.c_str()) == 0) return true;
  if (errno == EEXIST) return false;
  // File systems that know no such thing may know links.
  if (link(from.c_str(), to.c_str()) == 0) return unlink(from.c_str()) == 0;
  if (errno == EEXIST) return false;
  cannot_make(to, errno);
}

// Files that are removed again unless they are kept.
class NewFiles {
 public:
  ~NewFiles() {
    for (const std::string& path : paths_) unlink(path.c_str());
  }
  void add(const std::string& path) { paths_.push_back(path); }
  void keep() { paths_.clear(); }

 private:
  std::vector<std::string> paths_;
};

// In an empty folder of its own a store is nobody else's to read.
void close_to_others(const std::string& folder) {
  struct stat status{};
  std::error_code error;
  if (lstat(folder.c_str(), &status) == 0 && status.st_uid == geteuid() &&
      fs::is_empty(folder, error)) {
    chmod(folder.c_str(), 0700);
  }
}

// Of a run that is on, or was killed, the rest may be half a checkpoint: whoever opens the file
// with its log sees whether that is whole.
Identity identity_of(const std::string& path) {
  Database file(path, Database::Access::kAmidCheckpoint);
  check_schema(file);
  return read_identity(file);
}

}  // namespace

void init_store(const std::string& folder, std::int64_t count) {
  if (count < 1 || count > kMostPartitions) {
    throw StoreError(StoreFault::kBadCount, "the number of recovery partitions must be 1 to " +
                                                std::to_string(kMostPartitions) + ", not " +
                                                std::to_string(count));
  }
  const std::string real = real_folder(folder);
  const auto there = files_in(real, is_partition_name);
  if (!there.empty()) refuse_second_store(there[0]);
  const auto logs = files_in(real, is_log_name);
  if (!logs.empty()) refuse_old_log(logs[0]);
  close_to_others(real);
  require_safe(real);
  const std::string uuid = new_uuid();
  const auto new_path = [&](std::int64_t index) {
    return real + "/" + partition_name(index) + "." + uuid + ".new";
  };
  NewFiles made;
  for (std::int64_t index = 0; index < count; ++index) {
    make_empty_file(new_path(index));
    made.add(new_path(index));
    Database file(new_path(index), Database::Access::kReadWrite);
    create_schema(file, {uuid, RecoveryPartitionIndex(static_cast<std::uint32_t>(index)),
                         static_cast<std::uint32_t>(count)});
  }
  // Of two that make a store at once, one is the first to have partition 0.
  for (std::int64_t index = 0; index < count; ++index) {
    const std::string path = real + "/" + partition_name(index);
    if (!put_in_place(new_path(index), path)) refuse_second_store(path);
    made.add(path);
  }
  sync_folder(real);
  made.keep();
}

// The containers of a host share its kernel, and with it this number.
std::string this_host() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

FoundStore find_partitions(const std::string& folder) {
  const std::string real = real_folder(folder);
  FoundStore found;
  const std::string host = this_host();
  const auto paths = files_in(real, is_partition_name);
  if (paths.empty()) return found;
  require_safe(real);
  if (auto warning = warning_of_owner(real)) found.warnings.push_back(std::move(*warning));
  for (const std::string& path : paths) {
    const FileId file = file_id_of(path);
    require_safe(path);
    if (auto warning = warning_of_owner(path)) found.warnings.push_back(std::move(*warning));
    if (is_claimed_here(file)) {
      throw StoreError(StoreFault::kInUse,
                       "recovery partition " + path +
                           " is in use by another run in this process; only one run at a time can "
                           "use a recovery store");
    }
    found.partitions.push_back({path, identity_of(path), file, host});
  }
  return found;
}

}  // namespace cppwax::recovery
