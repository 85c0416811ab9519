// `_engine.Meters`.
#include <pybind11/pybind11.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bindings/bind.hpp"
#include "bindings/run_meters.hpp"
#include "engine/base/clock.hpp"

namespace cppwax::bindings {

namespace py = pybind11;

namespace {

constexpr const char* kMetersDoc =
    R"(Meters()
--

Counts what the steps of one run do on each worker of this process.

Give it to `run`, and ask it from any thread, during the run or after it. A number never falls; two
numbers that are asked for together may be of moments that lie a little apart.)";

constexpr const char* kStepsDoc =
    R"(Tell what each step has done.

Returns:
    A tuple for each step and worker, in the order of the flow; none before the run has started:
    id of the step, index of the worker, items that reached the step, items that it began to work
    on, items that it emitted, seconds that it worked (user code included), seconds that it was held
    back because what is below it was full.)";

constexpr const char* kWorkersDoc =
    R"(Tell what each worker is doing.

Returns:
    A tuple for each worker; none before the run has started: index of the worker, and "starting"
    while it waits for others or loads what was stored, "running", "stopping" once a stop was asked
    for, or "ended".)";

constexpr const char* kTimesDoc =
    R"(Tell how long calls of user code took, in slices: all that a step makes in one turn.

Returns:
    A tuple for each step and worker, in the order of the flow; none before the run has started:
    id of the step, index of the worker, numbers of slices by duration, their seconds together,
    numbers of snapshots by duration, and their seconds together. Numbers are a tuple, an element
    for each of `BOUNDS` (slices that took at most so many seconds and more than those before), and
    one for those that took longer.)";

constexpr const char* kPlacesDoc =
    R"(Tell how each step stands.

Returns:
    A tuple for each step and worker, in the order of the flow; none before the run has started:
    id of the step, index of the worker, items that may wait for it before what is above is held
    back (0 for one that nothing waits for), seconds that its watermark lies behind the present
    (None where it has none yet), and when it first and last worked, in seconds since 1970 (None
    before).)";

constexpr const char* kHotKeysDoc =
    R"(Tell which keys come to keyed steps most often of late, by a sample.

Returns:
    A tuple for each keyed step and worker: id of the step, index of the worker, how many items of
    the sample count, and the most frequent keys with their numbers among these, the greatest first.
    Of long keys it is the beginning.)";

constexpr const char* kEpochsDoc =
    R"(Tell how far each worker is.

Returns:
    A tuple for each worker; none before the run has started: index of the worker, the last epoch
    opened, the last epoch through all steps of all workers (with recovery: and durable), as far as
    the worker knows. Zero is none yet.)";

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

template <class Use>
void each_worker(RunMeters& run, Use&& use) {
  const auto meters = run.get();
  for (std::size_t w = 0; meters && w < meters->worker_count(); ++w) {
    use(meters->first().value() + w, meters->worker(w));
  }
}

py::list steps(RunMeters& run) {
  py::list rows;
  const SteadyTime now = system_clock().steady();
  each_worker(run, [&](std::size_t index, const worker::WorkerMeters& worker) {
    for (std::size_t i = 0; i < worker.ids.size(); ++i) {
      const auto reading = worker.of_steps[i].read(now);
      rows.append(py::make_tuple(worker.ids[i], index, reading.arrived, reading.began,
                                 reading.emitted, seconds(reading.worked), seconds(reading.held)));
    }
  });
  return rows;
}

py::tuple counts_of(const operators::Durations::Reading& reading) {
  py::tuple counts(reading.counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = reading.counts[i];
  return counts;
}

py::tuple bounds() {
  py::tuple all(operators::Durations::kBounds.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = seconds(operators::Durations::kBounds[i]);
  return all;
}

py::list times(RunMeters& run) {
  py::list rows;
  each_worker(run, [&](std::size_t index, const worker::WorkerMeters& worker) {
    for (std::size_t i = 0; i < worker.ids.size(); ++i) {
      const auto calls = worker.of_steps[i].calls();
      const auto stored = worker.of_steps[i].snapshots();
      rows.append(py::make_tuple(worker.ids[i], index, counts_of(calls), seconds(calls.sum),
                                 counts_of(stored), seconds(stored.sum)));
    }
  });
  return rows;
}

template <class Value, class Make>
py::object none_or(const std::optional<Value>& value, Make&& make) {
  return value ? py::cast(make(*value)) : py::none();
}

py::list places(RunMeters& run) {
  py::list rows;
  const SteadyTime now = system_clock().steady();
  const Duration since_1970 = system_clock().wall().time_since_epoch();
  const auto wall = [&](SteadyTime when) { return seconds(since_1970 - (now - when)); };
  each_worker(run, [&](std::size_t index, const worker::WorkerMeters& worker) {
    for (std::size_t i = 0; i < worker.ids.size(); ++i) {
      const auto reading = worker.of_steps[i].read(now);
      rows.append(py::make_tuple(worker.ids[i], index, reading.room, none_or(reading.lag, seconds),
                                 none_or(reading.first, wall), none_or(reading.last, wall)));
    }
  });
  return rows;
}

const char* name_of(worker::WorkerPhase phase) {
  switch (phase) {
    case worker::WorkerPhase::kStarting:
      return "starting";
    case worker::WorkerPhase::kRunning:
      return "running";
    case worker::WorkerPhase::kStopping:
      return "stopping";
    case worker::WorkerPhase::kEnded:
      return "ended";
  }
  return "unknown";
}

py::list workers(RunMeters& run) {
  py::list rows;
  each_worker(run, [&](std::size_t index, const worker::WorkerMeters& worker) {
    rows.append(py::make_tuple(index, name_of(worker.phase)));
  });
  return rows;
}

py::list hot_keys(RunMeters& run) {
  constexpr std::size_t kShown = 5;
  py::list rows;
  for (const auto& [place, sampled] : run.all_keys()) {
    const auto reading =
        sampled->with([](const operators::FrequentKeys& keys) { return keys.read(kShown); });
    py::list keys;
    for (const auto& [key, count] : reading.keys) {
      // A key may hold what is no text.
      const auto text = py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
          key.data(), static_cast<Py_ssize_t>(key.size()), "backslashreplace"));
      if (!text) throw py::error_already_set();
      keys.append(py::make_tuple(text, count));
    }
    rows.append(py::make_tuple(place.first, place.second, reading.total, keys));
  }
  return rows;
}

py::list epochs(RunMeters& run) {
  py::list rows;
  each_worker(run, [&](std::size_t index, const worker::WorkerMeters& worker) {
    rows.append(py::make_tuple(index, worker.opened.load(), worker.through.load()));
  });
  return rows;
}

}  // namespace

std::shared_ptr<SampledKeys> RunMeters::keys_of(const StepId& step, WorkerIndex worker) {
  return keys_.with([&](AllKeys& keys) {
    auto& found = keys[{step, worker.value()}];
    if (!found) found = std::make_shared<SampledKeys>();
    return found;
  });
}

std::shared_ptr<worker::Meters> RunMeters::begin(const graph::Plan& plan, WorkerIndex first,
                                                 std::uint32_t worker_count) {
  auto made = std::make_shared<worker::Meters>(plan, first, worker_count);
  return meters_.with([&](auto& meters) {
    if (meters) throw py::value_error("these `Meters` were given to a run before; make new ones");
    meters = made;
    return made;
  });
}

void bind_meters(py::module_& module) {
  py::options options;
  options.disable_function_signatures();
  py::class_<RunMeters>(module, "Meters", plain_class(), py::is_final(), kMetersDoc)
      .def(py::init<>())
      .def("steps", steps, kStepsDoc)
      .def("times", times, kTimesDoc)
      .def("places", places, kPlacesDoc)
      .def("workers", workers, kWorkersDoc)
      .def("hot_keys", hot_keys, kHotKeysDoc)
      .def("epochs", epochs, kEpochsDoc)
      .attr("BOUNDS") = bounds();
}

}  // namespace cppwax::bindings
