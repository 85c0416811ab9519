#include "bindings/user_threads.hpp"

#include <Python.h>

#include <optional>
#include <utility>

#include "bindings/signals.hpp"

namespace cppwax::bindings {

class UserThreads::WatchedScope : public operators::UserCodeScope {
 public:
  WatchedScope(UserThreads& threads, std::unique_ptr<operators::UserCodeScope> scope)
      : threads_(threads), scope_(std::move(scope)) {
    // Threads and processes that user code starts inherit the mask of its thread: they shall have
    // the program's, not the one that the engine gives its threads.
    pthread_sigmask(SIG_SETMASK, &threads.mask_, nullptr);
  }

  void enter() override {
    scope_->enter();
    threads_.add(thread_);
    inside_.emplace();
  }

  void leave() override {
    end_if_forked_child();
    inside_.reset();
    threads_.remove(thread_);
    scope_->leave();
  }

  void begin_close() override {
    end_if_forked_child();
    if (threads_.begin_close(thread_)) drop_late_interruption();
  }

 private:
  UserThreads& threads_;
  Thread thread_{PyThread_get_thread_ident()};
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
