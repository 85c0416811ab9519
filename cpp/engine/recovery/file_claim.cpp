#include "engine/recovery/file_claim.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <set>

#include "engine/base/guarded.hpp"
#include "engine/recovery/store_error.hpp"

namespace cppwax::recovery {

namespace {

using Register = Guarded<std::set<FileId>>;

// Never destroyed: threads may still be at work while a process ends.
Register& files_of_this_process() {
  static Register* const files = new Register;
  return *files;
}

std::string this_process() {
  char host[_POSIX_HOST_NAME_MAX + 1] = {};
  gethostname(host, _POSIX_HOST_NAME_MAX);
  return "process " + std::to_string(getpid()) + " on " + host;
}

std::string system_text(const std::string& what, int error) {
  return what + ": " + std::strerror(error);
}

[[noreturn]] void refuse_used(const std::string& path, const std::string& by) {
  throw StoreError(StoreFault::kInUse,
                   "recovery partition " + path + " is in use by " + by +
                       "; only one run at a time can use a recovery store: end that one first");
}

bool is_at(int fd, const std::string& path) {
  struct stat open{};
  struct stat named{};
  return fstat(fd, &open) == 0 && stat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

std::string holder_in(int fd) {
  char text[300] = {};
  const ssize_t size = pread(fd, text, sizeof text - 1, 0);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : "another process";
}

// Returns the descriptor, or -1 if the file was removed at the same moment by who had the lock.
int lock_file(const std::string& path, const std::string& lock_path) {
  const int fd = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    throw StoreError(
        StoreFault::kNotWritable,
        system_text("recovery partition " + path + ": cannot make " + lock_path, errno) +
            "; a run needs to write to the folder of its store");
  }
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (fcntl(fd, F_SETLK, &whole) != 0) {
    const int error = errno;
    const std::string holder = holder_in(fd);
    close(fd);
    if (error == EACCES || error == EAGAIN) refuse_used(path, holder);
    throw StoreError(
        StoreFault::kDisk,
        system_text("recovery partition " + path + ": cannot lock " + lock_path, error) +
            "; put the store on a file system that has locks");
  }
  if (is_at(fd, lock_path)) return fd;
  close(fd);
  return -1;
}

}  // namespace

FileId file_id_of(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) {
    throw StoreError(StoreFault::kMissing,
                     system_text("recovery partition " + path + " cannot be found", errno));
  }
  if (!S_ISREG(status.st_mode)) {
    throw StoreError(StoreFault::kUnsafe,
                     "recovery partition " + path +
                         " is no plain file; name the folder in which the file itself lies");
  }
  // Signed on some systems.
  return {static_cast<std::uint64_t>(status.st_dev), status.st_ino};
}

bool is_claimed_here(FileId file) {
  return files_of_this_process().with([&](auto& files) { return files.contains(file); });
}

FileClaim::FileClaim(const std::string& path)
    : lock_path_(path + ".lock"), file_(file_id_of(path)) {
  // First, for an attempt to lock in the same process would end the lock that it has.
  const bool is_new =
      files_of_this_process().with([&](auto& files) { return files.insert(file_).second; });
  if (!is_new) refuse_used(path, "another run in this process");
  try {
    while (lock_fd_ < 0) lock_fd_ = lock_file(path, lock_path_);
    const std::string name = this_process();
    // For messages alone.
    if (ftruncate(lock_fd_, 0) != 0 || pwrite(lock_fd_, name.data(), name.size(), 0) < 0) errno = 0;
  } catch (...) {
    files_of_this_process().with([&](auto& files) { files.erase(file_); });
    throw;
  }
}

FileClaim::~FileClaim() {
  // Removed while it is locked: who waits for it sees that and makes a new one.
  unlink(lock_path_.c_str());
  close(lock_fd_);
  files_of_this_process().with([&](auto& files) { files.erase(file_); });
}

}  // namespace cppwax::recovery
