// `_engine.Meters`.
#include <pybind11/pybind11.h>

#include <chrono>
#include <memory>
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

py::list epochs(RunMeters& run) {
  py::list rows;
  each_worker(run, [&](std::size_t index, const worker::WorkerMeters& worker) {
    rows.append(py::make_tuple(index, worker.opened.load(), worker.through.load()));
  });
  return rows;
}

}  // namespace

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
      .def("epochs", epochs, kEpochsDoc);
}

}  // namespace cppwax::bindings
