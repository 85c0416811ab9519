#include "bindings/user_threads.hpp"

#include <Python.h>

#include <exception>
#include <optional>
#include <utility>

#include "engine/base/error.hpp"

namespace cppwax::bindings {

class UserThreads::WatchedScope : public operators::UserCodeScope {
 public:
  WatchedScope(UserThreads& threads, std::unique_ptr<operators::UserCodeScope> scope)
      : threads_(threads), scope_(std::move(scope)) {
    // Threads and processes that user code starts inherit the mask of its thread: they shall have
    // the program's, not the one that the engine gives its threads.
    pthread_sigmask(SIG_SETMASK, &threads.mask_, nullptr);
  }

  // Inside after an error too, so that the worker can close what user code has opened.
  void enter() override {
    std::exception_ptr raised;
    while (!try_enter(raised)) continue;
    threads_.add(PyThread_get_thread_ident());
    inside_.emplace();
    if (raised) std::rethrow_exception(raised);
  }

  void leave() override {
    end_if_forked_child();
    inside_.reset();
    threads_.remove(PyThread_get_thread_ident());
    scope_->leave();
  }

 private:
  bool try_enter(std::exception_ptr& raised) {
    try {
      scope_->enter();
      return true;
    } catch (const UserCodeError&) {
      if (!raised) raised = std::current_exception();
      return false;
    }
  }

  UserThreads& threads_;
  std::unique_ptr<operators::UserCodeScope> scope_;
  std::optional<InsideRun> inside_;
};

UserThreads::UserThreads() {
  pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
}

std::unique_ptr<operators::UserCodeScope> UserThreads::watch(
    std::unique_ptr<operators::UserCodeScope> scope) {
  return std::make_unique<WatchedScope>(*this, std::move(scope));
}

}  // namespace cppwax::bindings
