// Recovery stores for `cppwax state`: what is in them while no run is on. States are bytes here:
// nothing is unpickled.
#include <pybind11/pybind11.h>

#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/bind.hpp"
#include "bindings/gil.hpp"
#include "bindings/py_error.hpp"
#include "bindings/py_plan.hpp"
#include "bindings/py_store_error.hpp"
#include "bindings/py_types.hpp"
#include "engine/base/error.hpp"
#include "engine/base/guarded.hpp"
#include "engine/recovery/store_view.hpp"

namespace cppwax::bindings {

namespace py = pybind11;

namespace {

using recovery::StoreView;

// Enough that a call costs little beside its states.
constexpr std::size_t kStatesABatch = 1000;
constexpr std::size_t kBytesABatch = 4u << 20;

// Paths as bytes: they need not be text.
std::vector<std::string> paths_of(const py::list& folders) {
  std::vector<std::string> paths;
  for (const py::handle each : folders) paths.push_back(py::cast<py::bytes>(each));
  return paths;
}

template <class Use>
void in_store(Use&& use) {
  try {
    const GilReleased released;
    use();
  } catch (const recovery::StoreError& error) {
    raise_store_error(error);
  }
}

py::object path_of(const std::string& path) {
  return py::reinterpret_steal<py::object>(
      PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
}

// States on their way to Python.
class Batch {
 public:
  explicit Batch(const py::function& take) : take_(take) {}

  void add(const StepId& step, const recovery::EntryView& entry, Epoch epoch) {
    if (step != step_ || states_.size() == kStatesABatch || bytes_ >= kBytesABatch) hand_over();
    step_ = step;
    bytes_ += entry.key.size() + entry.state->size();
    states_.push_back({std::string(entry.key), std::string(*entry.state), epoch});
  }

  void hand_over() {
    if (states_.empty()) return;
    const GilHeld held;
    py::list list;
    for (const State& each : states_) {
      list.append(py::make_tuple(str_of(each.key), each.epoch.value(), py::bytes(each.state)));
    }
    states_.clear();
    bytes_ = 0;
    take_(str_of(step_), list);
  }

 private:
  struct State {
    std::string key;
    std::string state;
    Epoch epoch;
  };

  const py::function& take_;
  StepId step_;
  std::vector<State> states_;
  std::size_t bytes_ = 0;
};

// A store from its opening to its closing: no run can begin over it meanwhile. Made and used with
// the interpreter held, by one thread at a time; closed by any. What is closed within a call is so
// at its end.
class OpenStore {
 public:
  explicit OpenStore(const py::list& folders) {
    in_store([&, paths = paths_of(folders)] {
      auto opened = std::make_shared<StoreView>(paths);
      view_.with([&](auto& view) { view = std::move(opened); });
    });
  }

  py::dict facts() {
    const auto open = view();
    StoreView& store = *open;
    std::vector<StoreView::Partition> partitions;
    std::map<StepId, recovery::StoredStep> steps;
    in_store([&] {
      partitions = store.partitions();
      steps = store.steps();
    });
    py::list files;
    for (const auto& each : partitions) {
      files.append(py::make_tuple(path_of(each.path), each.bytes, each.history.durable.value(),
                                  each.history.collected.value()));
    }
    py::list of_steps;
    for (const auto& [id, step] : steps) {
      of_steps.append(py::make_tuple(str_of(id), step.keys, step.state_bytes, step.entries,
                                     step.oldest.value(), step.newest.value()));
    }
    py::list warnings;
    for (const std::string& each : store.warnings()) warnings.append(path_of(each));
    py::dict facts;
    facts["flow_id"] = str_of(store.flow_id());
    facts["resume_epoch"] = store.resume().execution.cut.value();
    facts["executions"] = store.resume().earlier.size();
    facts["partitions"] = files;
    facts["steps"] = of_steps;
    facts["warnings"] = warnings;
    return facts;
  }

  void each_state(const py::function& take, const py::object& step) {
    const auto open = view();
    StoreView& store = *open;
    std::optional<StepId> of_step;
    if (!step.is_none()) of_step = utf8_of(step.ptr());
    in_store([&] {
      Batch batch(take);
      const auto add = [&](const StepId& id, const recovery::EntryView& entry, Epoch epoch) {
        batch.add(id, entry, epoch);
      };
      store.each_state(add, of_step);
      batch.hand_over();
    });
  }

  py::object find_state(const py::str& step, const py::str& key) {
    const auto open = view();
    StoreView& store = *open;
    std::optional<StoreView::State> found;
    in_store([&, step_id = utf8_of(step.ptr()), utf8 = utf8_of(key.ptr())] {
      found = store.find(step_id, utf8);
    });
    if (!found) return py::none();
    return py::make_tuple(found->epoch.value(), py::bytes(found->bytes));
  }

  void close() {
    in_store([&] { view_.with([](auto& view) { return std::exchange(view, nullptr); }); });
  }

 private:
  std::shared_ptr<StoreView> view() {
    auto open = view_.with([](const auto& view) { return view; });
    if (!open) throw py::value_error("the store is closed");
    return open;
  }

  Guarded<std::shared_ptr<StoreView>> view_;
};

void drop_states(const py::list& folders, const py::str& step, const py::object& key) {
  std::optional<std::string> utf8;
  if (!key.is_none()) utf8 = utf8_of(key.ptr());
  in_store([&, paths = paths_of(folders), id = utf8_of(step.ptr())] {
    recovery::drop_states(paths, id, utf8);
  });
}

// What a flow would store of which steps.
py::list stateful_steps(const py::object& flow) {
  std::optional<PyPlan> plan;
  try {
    plan.emplace(read_plan(flow));
  } catch (const ConfigError&) {
    raise_to_python(std::current_exception());
  }
  py::list steps;
  for (const PyStep& step : plan->steps) {
    const char* kind = nullptr;
    if (step.kind == graph::StepKind::kStatefulBatch) kind = "keyed";
    if (step.kind == graph::StepKind::kSourcePartitioned) kind = "source";
    if (step.kind == graph::StepKind::kSinkPartitioned) kind = "sink";
    if (kind != nullptr) steps.append(py::make_tuple(str_of(step.id), kind, step.op));
  }
  return steps;
}

}  // namespace

void bind_state(py::module_& module) {
  py::class_<OpenStore>(module, "OpenStore", plain_class())
      .def(py::init<const py::list&>(), py::arg("folders"))
      .def("facts", &OpenStore::facts)
      .def("each_state", &OpenStore::each_state, py::arg("take"), py::arg("step") = py::none())
      .def("find_state", &OpenStore::find_state, py::arg("step"), py::arg("key"))
      .def("close", &OpenStore::close);
  module.def("drop_states", &drop_states, py::arg("folders"), py::arg("step"), py::arg("key"));
  module.def("stateful_steps", &stateful_steps, py::arg("flow"));
}

}  // namespace cppwax::bindings
