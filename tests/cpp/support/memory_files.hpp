// The files that sink partitions write to, and what is left of them after a crash.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/ids.hpp"
#include "support/int_payload.hpp"

namespace cppwax::test {

// Outlives the runs that write to it. Used by one thread.
class MemoryFiles {
 public:
  struct File {
    Ints rows;
    std::size_t synced = 0;  // rows that a crash leaves
  };

  // Opens a file for writing behind `length` rows, or from its beginning.
  File& open(const StepId& step, const std::string& part, std::optional<std::size_t> length) {
    File& file = files_[{step, part}];
    ENGINE_ASSERT(file.rows.size() >= length.value_or(0), step, part, file.rows.size());
    file.rows.resize(length.value_or(0));
    file.synced = file.rows.size();
    return file;
  }

  // Of what is not synced, `keep(n)` of n rows are left.
  template <class Keep>
  void crash(Keep&& keep) {
    for (auto& [name, file] : files_) {
      const std::size_t unsynced = file.rows.size() - file.synced;
      file.rows.resize(file.synced + keep(unsynced));
      file.synced = file.rows.size();
    }
  }

  // All rows of a sink's files.
  Ints rows(const StepId& step) const {
    Ints rows;
    for (const auto& [name, file] : files_) {
      if (name.first == step) rows.insert(rows.end(), file.rows.begin(), file.rows.end());
    }
    return rows;
  }

 private:
  std::map<std::pair<StepId, std::string>, File> files_;
};

}  // namespace cppwax::test
