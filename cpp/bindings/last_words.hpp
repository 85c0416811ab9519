// What a run that has failed has to say, kept for the case that it cannot say it itself: a worker
// may hold the interpreter for good when the process has to end.
#pragma once

#include <exception>
#include <optional>
#include <string>

#include "engine/base/guarded.hpp"

namespace cppwax::bindings {

// Thread-safe. One for a run.
class LastWords {
 public:
  struct Words {
    int exit_code = 1;
    std::string text;  // empty: there is nothing to say
  };

  // Of several failures the first is kept. REQUIRES: interpreter_alive().
  void keep(const std::exception_ptr& failure) noexcept;
  Words words() {
    return kept_.with([](const auto& kept) { return kept.value_or(Words{}); });
  }

 private:
  Guarded<std::optional<Words>> kept_;
};

}  // namespace cppwax::bindings
