#include "bindings/gil.hpp"

#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

#include "bindings/py_error.hpp"
#include "engine/base/clock.hpp"
#include "engine/base/error.hpp"

namespace cppwax::bindings {

namespace {

// Another thread that wants the interpreter waits for Python's switch interval and only then asks
// for it: before it has asked, it is woken by a release but comes too late to take anything, and
// has to begin its wait anew. Letting go more often than that would starve it.
constexpr Duration kUsualInterval = std::chrono::milliseconds(5);
constexpr Duration kBeyondInterval = std::chrono::milliseconds(1);
// While this many calls in a row took less than kShort together, the clock is read less often.
constexpr Duration kShort = std::chrono::microseconds(50);
constexpr int kMostUnread = 64;

// When the interpreter was taken, and how many calls pass from one reading of the clock to another.
struct Turn {
  SteadyTime taken;
  SteadyTime read;
  int unread = 1;
  Duration length = kUsualInterval + kBeyondInterval;

  void begin() {
    taken = read = system_clock().steady();
    unread = detail::calls_left = 1;
  }
};

CPPWAX_OF_A_TURN Turn turn;

// `sys.getswitchinterval()`. REQUIRES: the interpreter is held.
Duration switch_interval() {
  PyObject* sys = PyImport_AddModule("sys");  // borrowed; an import may run user code
  PyObject* seconds =
      sys != nullptr ? PyObject_CallMethod(sys, "getswitchinterval", nullptr) : nullptr;
  const double value = seconds != nullptr ? PyFloat_AsDouble(seconds) : -1.0;
  Py_XDECREF(seconds);
  if (PyErr_Occurred() != nullptr) PyErr_Clear();
  if (!(value > 0.0 && value < 3600.0)) return kUsualInterval;
  return std::chrono::round<Duration>(std::chrono::duration<double>(value));
}

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
  const bool is_first = state_ == nullptr;
  if (is_first) {
    state_ = PyGILState_GetThisThreadState();
    if (state_ == nullptr) {
      state_ = PyThreadState_New(PyInterpreterState_Main());
      if (state_ == nullptr) throw std::bad_alloc();
      owned_ = true;
    }
  }
  take(state_);
  if (is_first) turn.length = switch_interval() + kBeyondInterval;
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

CPPWAX_OF_A_TURN int detail::calls_left = 1;

void detail::look_at_clock() {
  const SteadyTime now = system_clock().steady();
  if (now - turn.taken > turn.length) {
    take(PyEval_SaveThread());
    return;
  }
  turn.unread = now - turn.read < kShort ? std::min(turn.unread * 2, kMostUnread) : 1;
  calls_left = turn.unread;
  turn.read = now;
}

}  // namespace cppwax::bindings
