// `_engine.run`: checks its arguments, runs a flow to its end on the calling thread, and says how
// it ended.
#include <pybind11/pybind11.h>
// It needs Python's own header before it.
#include <datetime.h>
#include <signal.h>

#include <atomic>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "bindings/bind.hpp"
#include "bindings/cluster_settings.hpp"
#include "bindings/forked_child.hpp"
#include "bindings/gil.hpp"
#include "bindings/last_words.hpp"
#include "bindings/py_error.hpp"
#include "bindings/py_logic.hpp"
#include "bindings/py_plan.hpp"
#include "bindings/quiet_thread.hpp"
#include "bindings/run_meters.hpp"
#include "bindings/signals.hpp"
#include "bindings/standard_error.hpp"
#include "bindings/told_failure.hpp"
#include "bindings/user_threads.hpp"
#include "engine/base/clock.hpp"
#include "engine/base/error.hpp"
#include "engine/base/wakeup.hpp"
#include "engine/graph/fingerprint.hpp"
#include "engine/graph/snapshot_streams.hpp"
#include "engine/worker/recovery_session.hpp"
#include "engine/worker/runtime.hpp"

namespace cppwax::bindings {

namespace py = pybind11;

namespace {

constexpr const char* kRunDoc =
    R"(run(flow, *, worker_count=1, on_caller_thread=True,
    epoch_interval=None, stop_timeout=None, end_process=False, cluster=None,
    recovery=None, meters=None)
--

Run a dataflow to its end.

Other Python threads go on meanwhile. Runs may overlap in threads, and a callback may run another
flow. Started on the main thread, a run takes SIGINT and SIGTERM where Python's own handler or the
system's default would have them, and gives them back at its end.

Args:
    flow: The dataflow. It is not changed and can be run again.
    worker_count: How many workers share the work, each a thread.
    on_caller_thread: Whether the first worker runs on the calling thread; else this only waits.
    epoch_interval: A timedelta; how long an epoch lasts. Zero makes every poll of the sources an
        epoch of its own. `None` is 10 seconds.
    stop_timeout: A timedelta; how long a stop by a signal may take before what is in flight is
        given up and user code is interrupted. So are, after a failure or an abort, the calls that
        other workers are in then. `None` is 1 second.
    end_process: Whether a second signal, or a stop that takes a second more than `stop_timeout`,
        ends the process at once with the signal's exit code; so does a failure or an abort, with
        exit code 1, when a worker stays that long in the call that it was in. Else `run` returns
        when the call does.
    cluster: A `cppwax._cluster.Cluster`, if this process is one of several.
    recovery: A `cppwax._entry.Recovery`, to keep states in a store and go on from there.
    meters: A `Meters` that was given to no run yet, to count what the steps do.

Returns:
    "eof": the data ended. "aborted": a source raised `AbortExecution`. "stopped": SIGTERM came, and
    what was in flight was delivered in time. "abandoned": SIGTERM came, and it was not.

Raises:
    CppwaxRuntimeError: The flow failed, here or on another process; `__cause__` is the exception
        that made it fail.
    RecoveryError: The store cannot be used; some reasons have the exceptions of `cppwax.recovery`
        and of files.
    ClusterError: The processes could not meet, do not fit, or one was lost.
    KeyboardInterrupt: SIGINT came.
    TypeError: `flow` is no `Dataflow`, it has a source or sink of an unknown kind, or another
        argument is of the wrong type.
    ValueError: `worker_count`, `epoch_interval` or `stop_timeout` is out of range.)";

constexpr std::int64_t kMostWorkers = 4096;
// Far beyond any run, and far from where sums of times overflow.
constexpr int kMostDays = 365 * 1000;

std::string type_of(const py::object& value) {
  return py::str(py::type::handle_of(value).attr("__qualname__"));
}

Duration duration_of(const char* name, const py::object& value, Duration default_value) {
  if (value.is_none()) return default_value;
  // Not by PyDateTime_IMPORT: the variable that it sets would be shared by threads.
  const auto* api =
      static_cast<const PyDateTime_CAPI*>(PyCapsule_Import(PyDateTime_CAPSULE_NAME, 0));
  if (api == nullptr) throw py::error_already_set();
  if (PyObject_TypeCheck(value.ptr(), api->DeltaType) == 0) {
    throw py::type_error("`" + std::string(name) +
                         "` must be a `datetime.timedelta` or None, not a `" + type_of(value) +
                         "`");
  }
  const int days = PyDateTime_DELTA_GET_DAYS(value.ptr());
  if (days < 0) {
    throw py::value_error("`" + std::string(name) + "` must not be negative; it is " +
                          py::str(value).cast<std::string>());
  }
  // Compared as days: the longest timedelta is too long for a Duration.
  if (days >= kMostDays) return std::chrono::hours(24) * kMostDays;
  return std::chrono::hours(24) * days +
         std::chrono::seconds(PyDateTime_DELTA_GET_SECONDS(value.ptr())) +
         Duration(PyDateTime_DELTA_GET_MICROSECONDS(value.ptr()));
}

std::uint32_t worker_count_of(const py::object& value) {
  const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!number) {
    PyErr_Clear();
    throw py::type_error("`worker_count` must be an int, not a `" + type_of(value) + "`");
  }
  int overflow = 0;
  const long long count = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow != 0 || count < 1 || count > kMostWorkers) {
    throw py::value_error("`worker_count` must be from 1 to " + std::to_string(kMostWorkers) +
                          "; it is " + py::str(number).cast<std::string>());
  }
  return static_cast<std::uint32_t>(count);
}

// The logic of a run, whose threads in user code are known, and whose keys are counted if somebody
// watches.
class WatchedLogicFactory : public PyLogicFactory {
 public:
  WatchedLogicFactory(std::vector<PyStep> steps, UserThreads& threads, bool leaves_process,
                      RunMeters* meters)
      : PyLogicFactory(std::move(steps), leaves_process), threads_(threads), meters_(meters) {}

  std::unique_ptr<operators::UserCodeScope> scope() const override {
    return threads_.watch(PyLogicFactory::scope());
  }
  std::unique_ptr<operators::KeyedBody> keyed_body(StepIndex step,
                                                   operators::Seat seat) const override {
    auto body = PyLogicFactory::keyed_body(step, seat);
    if (!meters_) return body;
    return watched(std::move(body), meters_->keys_of(id_of(step), seat.worker));
  }

 private:
  UserThreads& threads_;
  RunMeters* meters_;  // null: nobody does
};

const char* name_of(worker::RunEnd end) {
  switch (end) {
    case worker::RunEnd::kEof:
      return "eof";
    case worker::RunEnd::kStopped:
      return "stopped";
    case worker::RunEnd::kAborted:
      return "aborted";
    case worker::RunEnd::kAbandoned:
      return "abandoned";
  }
  return "unknown";
}

// What is known when a run is over.
struct Ended {
  worker::RunEnd how = worker::RunEnd::kEof;
  std::exception_ptr failure;
  StopOutcome stop;
};

Ended run_here(worker::Runtime& runtime) {
  Ended ended;
  try {
    ended.how = runtime.run();
  } catch (...) {
    ended.failure = std::current_exception();
  }
  return ended;
}

// Waits for a run on other threads. Python's main thread has to run the user's signal handlers
// meanwhile; what one of them raises ends the run.
Ended run_beside(worker::Runtime& runtime, Wakeup& wakeup) {
  Ended ended;
  std::atomic<bool> over{false};
  std::thread runner = quiet_thread([&] {
    ended = run_here(runtime);
    over = true;
    wakeup.notify();
  });
  GilScope scope;
  std::exception_ptr raised;
  while (!over) {
    try {
      scope.enter();
      scope.leave();
    } catch (const UserCodeError&) {
      raised = std::current_exception();
      runtime.abandon();
    }
    if (!over) wakeup.sleep(std::nullopt);
  }
  runner.join();
  if (raised) ended.failure = raised;
  return ended;
}

Ended run_to_end(WatchedRun watched, bool on_caller_thread) {
  worker::Runtime& runtime = watched.runtime;
  const signal_handlers::Choice choice = signal_handlers::choose();
  const signal_handlers::PythonTells python_tells(choice);
  Wakeup caller;
  watched.on_main_thread = choice.on_main_thread;
  const bool beside = choice.on_main_thread && !on_caller_thread;
  if (beside) watched.caller = &caller;

  Ended ended;
  {
    const GilReleased released;
    RunWatch watch(watched, choice);
    ended = beside ? run_beside(runtime, caller) : run_here(runtime);
    ended.stop = watch.end();
  }
  if (ended.stop.interrupted) drop_late_interruption();
  return ended;
}

// Whether it is a KeyboardInterrupt, wrapped or not.
bool is_keyboard_interrupt(const py::object& exception) {
  const auto cause = py::getattr(exception, "__cause__", py::none());
  return PyErr_GivenExceptionMatches(exception.ptr(), PyExc_KeyboardInterrupt) != 0 ||
         PyErr_GivenExceptionMatches(cause.ptr(), PyExc_KeyboardInterrupt) != 0;
}

// Bare; a failure that came on the way to the end is shown along with it.
[[noreturn]] void raise_keyboard_interrupt(const std::exception_ptr& failure) {
  const auto interrupt =
      py::reinterpret_steal<py::object>(PyObject_CallNoArgs(PyExc_KeyboardInterrupt));
  if (failure) {
    py::object context = exception_of(failure);
    if (!is_keyboard_interrupt(context)) {
      PyException_SetContext(interrupt.ptr(), context.release().ptr());
    }
  }
  PyErr_SetObject(PyExc_KeyboardInterrupt, interrupt.ptr());
  throw py::error_already_set();
}

// What the caller of `run` gets. After an interruption of ours the failures are of our making,
// but not those that came before.
std::string result_of(const Ended& ended) {
  const StopOutcome& stop = ended.stop;
  const bool is_genuine = !stop.interrupted || stop.failed_first;
  if (stop.signal == SIGINT) raise_keyboard_interrupt(is_genuine ? ended.failure : nullptr);
  if (stop.abandoned && !stop.failed_first) {
    const bool aborted = ended.how == worker::RunEnd::kAborted;
    return name_of(aborted ? ended.how : worker::RunEnd::kAbandoned);
  }
  if (!ended.failure) return name_of(ended.how);
  if (stop.python_took_over && is_keyboard_interrupt(exception_of(ended.failure))) {
    raise_keyboard_interrupt(nullptr);
  }
  raise_to_python(ended.failure);
}

// Epochs that a span of time takes: 0 keeps none, and with epochs of no length nothing is enough.
std::uint64_t epochs_in(Duration span, Duration epoch) {
  if (span == Duration::zero()) return 0;
  if (epoch == Duration::zero()) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>((span.count() + epoch.count() - 1) / epoch.count());
}

std::unique_ptr<worker::RecoverySession> recovery_session(const py::object& recovery,
                                                          const worker::RunSettings& settings) {
  const Duration backup = duration_of("backup_interval", recovery.attr("backup_interval"), {});
  worker::RecoverySettings store;
  store.folder = recovery.attr("folder").cast<std::string>();
  store.backup_epochs = epochs_in(backup, settings.epoch_interval);
  store.drop_strange_states = recovery.attr("drop_strange_states").cast<bool>();
  store.refuse_strange_states = recovery.attr("refuse_strange_states").cast<bool>();
  return std::make_unique<worker::RecoverySession>(std::move(store));
}

// Closes the store; a failure to is one of the run, unless that had one already.
void close_store(worker::RecoverySession& session, Ended& ended) {
  const GilReleased released;
  try {
    session.close();
  } catch (...) {
    if (!ended.failure) ended.failure = std::current_exception();
  }
}

// What a run may have beside the flow; None or null: it has not.
struct Extras {
  const py::object& cluster;
  const py::object& recovery;
  RunMeters* meters;
};

std::string run(const py::object& flow, worker::RunSettings settings, StopSettings stop,
                Extras extras) {
  watch_forks();
  // Now, since a run may fail because no file can be opened any more.
  py::module_::import("cppwax.errors");
  try {
    PyPlan read = read_plan(flow);
    // Of the flow as it is written: recovery adds steps, and is told by itself.
    const std::string fingerprint = graph::fingerprint(read.plan);
    std::unique_ptr<worker::RecoverySession> session;
    settings.on_warning = print_warning;
    if (!extras.recovery.is_none()) {
      session = recovery_session(extras.recovery, settings);
      settings.recovery = session.get();
      read.plan = graph::add_snapshot_streams(read.plan);
    }
    if (!extras.cluster.is_none()) {
      settings.cluster = cluster_settings(extras.cluster, settings.worker_count, read.plan);
      settings.cluster->facts.fingerprint = fingerprint;
      settings.cluster->facts.recovery = session != nullptr;
      settings.describe = told_failure;
      settings.on_stop = early_end_noted;
    }
    std::shared_ptr<worker::Meters> meters;
    if (extras.meters) {
      meters = extras.meters->begin(read.plan, settings.first_worker(), settings.worker_count);
      settings.meters = meters.get();
    }
    UserThreads threads;
    LastWords last_words;
    settings.on_early_end = [&](const std::exception_ptr& failure) {
      early_end_noted();
      if (failure && stop.end_process) last_words.keep(failure);
    };
    const WatchedLogicFactory logic(std::move(read.steps), threads, settings.cluster.has_value(),
                                    extras.meters);
    worker::Runtime runtime(read.plan, logic, system_clock(), settings);
    const WatchedRun watched{
        .runtime = runtime, .threads = threads, .last_words = last_words, .stop = stop};
    Ended ended = run_to_end(watched, settings.on_caller_thread);
    if (session) close_store(*session, ended);
    return result_of(ended);
  } catch (const Error&) {
    raise_to_python(std::current_exception());
  }
}

}  // namespace

void bind_run(py::module_& module) {
  py::options options;
  options.disable_function_signatures();
  module.def(
      "run",
      [](const py::object& flow, const py::object& worker_count, bool on_caller_thread,
         const py::object& epoch_interval, const py::object& stop_timeout, bool end_process,
         const py::object& cluster, const py::object& recovery, RunMeters* meters) {
        worker::RunSettings settings;
        settings.worker_count = worker_count_of(worker_count);
        settings.epoch_interval =
            duration_of("epoch_interval", epoch_interval, settings.epoch_interval);
        settings.on_caller_thread = on_caller_thread;
        StopSettings stop;
        stop.timeout = duration_of("stop_timeout", stop_timeout, stop.timeout);
        stop.end_process = end_process;
        return run(flow, std::move(settings), stop, {cluster, recovery, meters});
      },
      kRunDoc, py::arg("flow"), py::kw_only(), py::arg("worker_count") = 1,
      py::arg("on_caller_thread") = true, py::arg("epoch_interval") = py::none(),
      py::arg("stop_timeout") = py::none(), py::arg("end_process") = false,
      py::arg("cluster") = py::none(), py::arg("recovery") = py::none(),
      py::arg("meters") = py::none());
}

}  // namespace cppwax::bindings
