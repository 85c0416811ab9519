// That this process alone writes to a recovery partition (docs/progress_and_snapshots.md P13).
#pragma once

#include <cstdint>
#include <string>

namespace cppwax::recovery {

// Two names of one file have the same.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  auto operator<=>(const FileId&) const = default;
};

// Whether this process has a claim on the file. While it has, nothing may open and close that file,
// for that would end the process's locks. Thread-safe.
bool is_claimed_here(FileId file);

// Holds an entry of this process's register and a lock on `PATH.lock`, in which this process and
// host stand. Both vanish with the process, however it ends.
class FileClaim {
 public:
  // Errors: StoreError, naming the process that has the file.
  explicit FileClaim(const std::string& path);
  ~FileClaim();
  FileClaim(const FileClaim&) = delete;
  FileClaim& operator=(const FileClaim&) = delete;

 private:
  std::string lock_path_;
  FileId file_;
  int lock_fd_ = -1;
};

// Errors: StoreError if there is no plain file of that name.
FileId file_id_of(const std::string& path);

}  // namespace cppwax::recovery
