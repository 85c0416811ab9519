// The only place that takes or lets go of the interpreter. Nothing here or elsewhere relies on the
// interpreter's lock for its own safety: without one (free-threaded Python) "held" means that the
// thread is attached to the interpreter (docs/decisions/0005-gil.md).
#pragma once

#include <Python.h>
#include <cxxabi.h>

#include "bindings/forked_child.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// Whether Python code can still run: false once the interpreter goes down.
bool interpreter_alive();

// Where a thread ends up that needs the interpreter once it is gone: the process is about to end,
// and everything the thread still holds may be in use by the thread that ends it.
[[noreturn]] void park_for_good();

// Before 3.14 Python ends such a thread by pthread_exit, which with glibc unwinds its stack, right
// through our frames. The unwinding stops here instead. On macOS nothing is unwound.
template <class Call>
auto surviving_exit(Call&& call) {
#ifdef __APPLE__
  return call();
#else
  // GCC's C++ library alone knows these exceptions.
  try {
    return call();
  } catch (abi::__forced_unwind&) {
    park_for_good();
  }
#endif
}

// A worker's way into user code. One for a worker thread; used and destroyed by that thread alone.
// Invariant: the thread's Python state is made once, at the first `enter`, or is the thread's own
// if Python knows the thread already, and stays the same until the end: user code sees one thread.
class GilScope : public operators::UserCodeScope {
 public:
  GilScope() = default;
  // REQUIRES: on the thread that entered; the interpreter is not held.
  ~GilScope() override;
  GilScope(const GilScope&) = delete;
  GilScope& operator=(const GilScope&) = delete;

  // On Python's main thread also runs the signal handlers of the user that are pending.
  // Errors: UserCodeError if one of them raises; the scope is not entered then.
  void enter() override;
  void leave() override;

 private:
  PyThreadState* state_ = nullptr;
  bool owned_ = false;
};

// The calling Python thread is without the interpreter while this lives.
// REQUIRES: the thread holds it.
class GilReleased {
 public:
  GilReleased();
  ~GilReleased();
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;

 private:
  PyThreadState* state_;
};

// Any thread holds the interpreter while this lives; a thread that holds it already may nest.
// REQUIRES: interpreter_alive().
class GilHeld {
 public:
  GilHeld();
  ~GilHeld();
  GilHeld(const GilHeld&) = delete;
  GilHeld& operator=(const GilHeld&) = delete;

 private:
  PyGILState_STATE state_;
};

// What belongs to who holds the interpreter: with a lock there is one at a time, and what is local
// to a thread would take longer to find than all else that `user_call_ended` does.
#ifdef Py_GIL_DISABLED
#define CPPWAX_OF_A_TURN constinit thread_local
#else
#define CPPWAX_OF_A_TURN constinit
#endif

namespace detail {
extern CPPWAX_OF_A_TURN int calls_left;
void look_at_clock();
}  // namespace detail

// To be called after each call of user code: gives other threads their turn once this thread has
// held the interpreter a little longer than Python's switch interval, as Python's own threads do.
// REQUIRES: the interpreter is held. Costs a nanosecond or two: it reads the clock less often while
// calls are short.
inline void user_call_ended() {
  end_if_forked_child();
  if (--detail::calls_left > 0) [[likely]]
    return;
  detail::look_at_clock();
}

}  // namespace cppwax::bindings
