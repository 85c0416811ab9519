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
#include <vector>

namespace cppwax::bindings::signal_handlers {

namespace py = pybind11;

namespace {

constexpr std::array<int, 2> kSignals{SIGINT, SIGTERM};

// Bytes in the pipe: what Python writes are signal numbers.
constexpr unsigned char kQuit = 0;
constexpr unsigned char kLook = 0x80;
constexpr unsigned char kOurs = 0x80;  // and the number of a signal

struct Pipe {
  int reading_end = -1;
  int writing_end = -1;
};

// Read by handlers, on any thread.
std::atomic<Pipe> pipe_ends{Pipe{}};
// The next signal is our own, sent to end a system call.
std::atomic<bool> only_wakes{false};
static_assert(std::atomic<Pipe>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

// The rest is written by the main thread and in a forked child, or once before the first signal.
std::array<struct sigaction, kSignals.size()> former;
std::array<bool, kSignals.size()> taken{};
bool python_raises = false;
std::atomic<bool> installed{false};
std::atomic<pthread_t> main_thread{};
std::atomic<unsigned long> main_ident{0};
// Whom Python told of signals before us.
std::atomic<int> told_before{-1};

// A full pipe already holds more than anybody needs to know.
void tell(int descriptor, unsigned char byte) {
  [[maybe_unused]] const auto written = write(descriptor, &byte, 1);
}

extern "C" void note_signal(int number) {
  const int saved_errno = errno;
  if (!only_wakes.exchange(false)) {
    tell(pipe_ends.load().writing_end, static_cast<unsigned char>(number | kOurs));
  }
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

extern "C" void take_no_notice(int) {}

Pipe make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a pipe for signals");
  }
  return {ends[0], ends[1]};
}

void close_pipe(Pipe pipe) {
  close(pipe.reading_end);
  close(pipe.writing_end);
}

Pipe the_pipe() {
  Pipe present = pipe_ends;
  if (present.reading_end >= 0) return present;
  const Pipe made = make_pipe();
  if (pipe_ends.compare_exchange_strong(present, made)) return made;
  close_pipe(made);
  return present;
}

// Returns who was told before.
int make_python_tell(int descriptor) {
  const auto set = py::module_::import("signal").attr("set_wakeup_fd");
  return set(descriptor, py::arg("warn_on_full_buffer") = false).cast<int>();
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

bool restore(int awaited) {
  struct sigaction once{};
  once.sa_handler = take_no_notice;
  once.sa_flags = SA_RESETHAND | SA_RESTART;
  bool sigint_replaced = false;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (!taken[i]) continue;
    taken[i] = false;
    // What woke this thread has reached our handler by the return of the system call in here.
    if (is_ours(kSignals[i])) {
      sigaction(kSignals[i], kSignals[i] == awaited ? &once : &former[i], nullptr);
    } else if (kSignals[i] == SIGINT) {
      sigint_replaced = true;
    }
  }
  installed = false;
  return sigint_replaced;
}

int reading_end() {
  return the_pipe().reading_end;
}

void tell_quit() {
  tell(the_pipe().writing_end, kQuit);
}

void tell_look() {
  tell(the_pipe().writing_end, kLook);
}

std::vector<News> take_news() {
  std::vector<News> news;
  unsigned char bytes[64];
  for (;;) {
    const auto count = read(the_pipe().reading_end, bytes, sizeof bytes);
    if (count <= 0) return news;
    for (auto byte = bytes; byte != bytes + count; ++byte) {
      const auto kind = *byte == kQuit   ? News::Kind::kQuit
                        : *byte == kLook ? News::Kind::kLook
                        : *byte & kOurs  ? News::Kind::kStop
                                         : News::Kind::kPython;
      news.push_back({kind, *byte & ~kOurs});
    }
  }
}

PythonTells::PythonTells(const Choice& choice) : active_(choice.on_main_thread) {
  if (!active_) return;
  former_ = make_python_tell(the_pipe().writing_end);
  if (former_ != the_pipe().writing_end) told_before = former_;
}

PythonTells::~PythonTells() {
  if (!active_) return;
  try {
    make_python_tell(former_);
  } catch (py::error_already_set&) {
    // The descriptor was closed while we ran: nobody wants to be told any more.
    make_python_tell(-1);
  }
}

void pass_on(const News& news) {
  if (told_before >= 0) tell(told_before, static_cast<unsigned char>(news.number));
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
  const Pipe parents = pipe_ends;
  if (parents.reading_end < 0) return;
  // Under the same numbers: Python may still know the writing end.
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
    dup3(ends[0], parents.reading_end, O_CLOEXEC);
    dup3(ends[1], parents.writing_end, O_CLOEXEC);
    close_pipe({ends[0], ends[1]});
  } else {
    pipe_ends = Pipe{};
    close_pipe(parents);
  }
}

}  // namespace cppwax::bindings::signal_handlers
