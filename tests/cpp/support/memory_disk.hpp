// A disk in memory, as a way of SQLite to its files: its operations fail when a test says so, and
// the power can be cut.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace cppwax::test {

// Used by one thread. Files are named by their paths; there are no folders.
class MemoryDisk {
 public:
  enum class Fault { kInputOutput, kFull, kPowerCut, kForgottenSync };
  using Contents = std::map<std::string, std::string>;

  MemoryDisk();
  ~MemoryDisk();
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;

  // What SQLite knows it by.
  const char* vfs() const;

  void create(const std::string& path);
  Contents contents() const;
  // All of it is on the disk, as if synced.
  void set_contents(Contents contents);

  // The operation with this number, counted from now, fails; `for_ever`: and all that follow. A
  // full disk fails those that need space. After a cut everything fails until `restart`. Of
  // forgotten syncs the number is that of a sync: it fails, and what it was to make durable is read
  // as before, but no later sync makes it so.
  void fail_at(std::size_t operation, Fault fault, bool for_ever);
  void heal();
  // After a cut: of what was not synced, `survives` is asked piece by piece.
  void restart(const std::function<bool()>& survives);
  // Called before each sync.
  void on_sync(std::function<void()> call);
  std::size_t operations() const;
  // Whether the operation that was to fail has come.
  bool has_failed() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cppwax::test
