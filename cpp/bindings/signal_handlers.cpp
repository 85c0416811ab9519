#include "bindings/signal_handlers.hpp"

#include <Python.h>
#include <fcntl.h>
#include <pthread.h>
#include <pybind11/pybind11.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>

namespace cppwax::bindings::signal_handlers {

namespace py = pybind11;

namespace {

constexpr std::array<int, 2> kSignals{SIGINT, SIGTERM};

// Read by handlers, on any thread.
std::atomic<int> pipe_writing_end{-1};
// The next signal is our own, sent to end a system call.
std::atomic<bool> only_wakes{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

// The rest is written by the main thread and in a forked child, or once before the first signal.
int pipe_reading_end = -1;
std::array<struct sigaction, kSignals.size()> former;
std::array<bool, kSignals.size()> taken{};
bool python_raises = false;
std::atomic<bool> installed{false};
std::atomic<pthread_t> main_thread{};
std::atomic<unsigned long> main_ident{0};

extern "C" void note_signal(int number) {
  const int saved_errno = errno;
  if (!only_wakes.exchange(false)) tell(static_cast<char>(number));
  errno = saved_errno;
}

bool is_ours(int number) {
  struct sigaction present{};
  sigaction(number, nullptr, &present);
  return (present.sa_flags & SA_SIGINFO) == 0 && present.sa_handler == note_signal;
}

bool is(int number, void (*handler)(int)) {
  struct sigaction present{};
  sigaction(number, nullptr, &present);
  return (present.sa_flags & SA_SIGINFO) == 0 && present.sa_handler == handler;
}

void make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a pipe for signals");
  }
  pipe_reading_end = ends[0];
  pipe_writing_end = ends[1];
}

}  // namespace

Choice choose() {
  Choice choice;
  const auto threading = py::module_::import("threading");
  const auto main_id = threading.attr("main_thread")().attr("ident").cast<unsigned long>();
  choice.on_main_thread = main_id == PyThread_get_thread_ident();
  if (!choice.on_main_thread) return choice;

  const auto signal = py::module_::import("signal");
  const auto raises = signal.attr("default_int_handler");
  const auto gives_way = [&](int number) {
    if (is(number, SIG_DFL)) return true;
    // C code may have taken the place of Python's handler without telling; Python's is known by
    // being the one that is neither ignored nor ours.
    return !is(number, SIG_IGN) && signal.attr("getsignal")(number).is(raises);
  };
  choice.sigint = gives_way(SIGINT);
  choice.sigterm = gives_way(SIGTERM);
  choice.python_raises = signal.attr("getsignal")(static_cast<int>(SIGINT)).is(raises);
  return choice;
}

void install(const Choice& choice) {
  main_thread = pthread_self();
  main_ident = PyThread_get_thread_ident();
  python_raises = choice.python_raises;
  only_wakes = false;

  struct sigaction ours{};
  ours.sa_handler = note_signal;
  ours.sa_flags = SA_ONSTACK;  // no SA_RESTART: blocking calls return, so that Python can look
  for (const int number : kSignals) sigaddset(&ours.sa_mask, number);
  const std::array<bool, kSignals.size()> wanted{choice.sigint, choice.sigterm};
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    taken[i] = wanted[i] && sigaction(kSignals[i], &ours, &former[i]) == 0;
  }
  installed = true;
}

bool restore() {
  bool sigint_replaced = false;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (!taken[i]) continue;
    taken[i] = false;
    if (is_ours(kSignals[i])) {
      sigaction(kSignals[i], &former[i], nullptr);
    } else if (kSignals[i] == SIGINT) {
      sigint_replaced = true;
    }
  }
  installed = false;
  return sigint_replaced;
}

int reading_end() {
  if (pipe_reading_end < 0) make_pipe();
  return pipe_reading_end;
}

void tell(char byte) {
  // A full pipe already holds more than anybody reads.
  [[maybe_unused]] const auto written = write(pipe_writing_end, &byte, 1);
}

std::string take_all() {
  std::string taken_bytes;
  char buffer[64];
  for (;;) {
    const auto count = read(pipe_reading_end, buffer, sizeof buffer);
    if (count <= 0) return taken_bytes;
    taken_bytes.append(buffer, static_cast<std::size_t>(count));
  }
}

bool is_main_thread(unsigned long ident) {
  return installed && ident == main_ident;
}

bool interrupt_main_thread() {
  // While SIGINT is ours, Python's idea of it is what it was when we took it.
  if (!installed || !python_raises || !is_ours(SIGINT)) return false;
  return PyErr_SetInterruptEx(SIGINT) == 0;
}

void wake_main_thread() {
  for (const int number : kSignals) {
    if (!installed || !is_ours(number)) continue;
    only_wakes = true;
    pthread_kill(main_thread, number);
    return;
  }
}

void forget_in_child() {
  if (installed) restore();
  if (pipe_reading_end >= 0) {
    close(pipe_reading_end);
    close(pipe_writing_end);
  }
  pipe_reading_end = -1;
  pipe_writing_end = -1;
}

}  // namespace cppwax::bindings::signal_handlers
