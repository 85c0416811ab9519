// Does several things of which each may fail, all of them, and lets the first failure out at the
// end: how whatever was opened is closed.
#pragma once

#include <exception>
#include <utility>

namespace cppwax {

// Belongs to one thread.
class FirstFailure {
 public:
  template <class Use>
  void attempt(Use&& use) {
    try {
      std::forward<Use>(use)();
    } catch (...) {
      if (!failure_) failure_ = std::current_exception();
    }
  }

  // Errors: the first of the attempts' failures.
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
};

}  // namespace cppwax
