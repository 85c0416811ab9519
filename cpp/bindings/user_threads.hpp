// Which threads of a run are in user code, for those who have to interrupt it.
#pragma once

#include <signal.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "bindings/forked_child.hpp"
#include "engine/base/guarded.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// Thread-safe. One for a run, made on the thread that calls it; outlives the scopes it watches.
class UserThreads {
 public:
  UserThreads();

  // As PyThread_get_thread_ident names them.
  std::vector<unsigned long> inside() {
    return idents_.with([](const auto& idents) { return idents; });
  }

  // The same scope, with its thread known here while it is entered. To be called on that thread.
  std::unique_ptr<operators::UserCodeScope> watch(std::unique_ptr<operators::UserCodeScope> scope);

 private:
  class WatchedScope;

  void add(unsigned long ident) {
    idents_.with([=](auto& idents) { idents.push_back(ident); });
  }
  void remove(unsigned long ident) {
    idents_.with([=](auto& idents) { idents.erase(std::ranges::find(idents, ident)); });
  }

  sigset_t mask_;  // of the thread that called `run`
  Guarded<std::vector<unsigned long>> idents_;
};

}  // namespace cppwax::bindings
