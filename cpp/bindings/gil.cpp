#include "bindings/gil.hpp"

#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

#include "bindings/forked_child.hpp"
#include "bindings/py_error.hpp"
#include "engine/base/clock.hpp"
#include "engine/base/error.hpp"

namespace cppwax::bindings {

namespace {

constexpr Duration kTurn = std::chrono::milliseconds(1);
// While this many calls in a row took less than kShort together, the clock is read less often.
constexpr Duration kShort = std::chrono::microseconds(50);
constexpr int kMostUnread = 16;

// When this thread last took the interpreter, and how many calls may pass unread.
struct Turn {
  SteadyTime taken;
  SteadyTime read;
  int unread = 1;
  int left = 1;

  void begin() {
    taken = read = system_clock().steady();
    unread = left = 1;
  }
};

thread_local Turn turn;

void take(PyThreadState* state) {
  if (!interpreter_alive()) park_for_good();
  surviving_exit([state] { PyEval_RestoreThread(state); });
  turn.begin();
}

}  // namespace

bool interpreter_alive() {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsInitialized() && !Py_IsFinalizing();
#else
  return Py_IsInitialized() && !_Py_IsFinalizing();
#endif
}

void park_for_good() {
  for (;;) ::pause();
}

GilScope::~GilScope() {
  if (!owned_ || !interpreter_alive()) return;
  take(state_);
  PyThreadState_Clear(state_);
  PyThreadState_DeleteCurrent();
}

void GilScope::enter() {
  if (state_ == nullptr) {
    state_ = PyGILState_GetThisThreadState();
    if (state_ == nullptr) {
      state_ = PyThreadState_New(PyInterpreterState_Main());
      if (state_ == nullptr) throw std::bad_alloc();
      owned_ = true;
    }
  }
  take(state_);
  // On other threads than the main one this does what Python has put off (garbage collection).
  if (PyErr_CheckSignals() != 0) {
    auto cause = take_python_error(Wrapped::kNo);
    PyEval_SaveThread();
    throw UserCodeError("running a signal handler", std::move(cause));
  }
}

void GilScope::leave() {
  PyEval_SaveThread();
}

GilReleased::GilReleased() : state_(PyEval_SaveThread()) {}

GilReleased::~GilReleased() {
  take(state_);
}

GilHeld::GilHeld() {
  if (!interpreter_alive()) park_for_good();
  state_ = surviving_exit([] { return PyGILState_Ensure(); });
}

GilHeld::~GilHeld() {
  PyGILState_Release(state_);
}

void user_call_ended() {
  end_if_forked_child();
  if (--turn.left > 0) [[likely]]
    return;
  const SteadyTime now = system_clock().steady();
  if (now - turn.taken > kTurn) {
    take(PyEval_SaveThread());
    return;
  }
  turn.unread = now - turn.read < kShort ? std::min(turn.unread * 2, kMostUnread) : 1;
  turn.left = turn.unread;
  turn.read = now;
}

}  // namespace cppwax::bindings
