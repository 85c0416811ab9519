#include "bindings/py_plan.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/graph/fusion.hpp"

namespace cppwax::bindings {

namespace py = pybind11;

namespace {

using graph::StepKind;

// A core operator: which of its attributes are ports, in the order of the plan's.
struct CoreOperator {
  std::string_view name;
  StepKind kind;  // of `input` and `output`: see kind_of
  std::vector<const char*> inputs;
  std::vector<const char*> outputs;
};

const CoreOperator* find_core_operator(std::string_view name) {
  static const std::array<CoreOperator, 9> kAll{{
      {"_noop", StepKind::kNoop, {"up"}, {"down"}},
      {"branch", StepKind::kBranch, {"up"}, {"trues", "falses"}},
      {"flat_map_batch", StepKind::kFlatMapBatch, {"up"}, {"down"}},
      {"input", StepKind::kSourcePartitioned, {}, {"down"}},
      {"inspect_debug", StepKind::kInspectDebug, {"up"}, {"down"}},
      {"merge", StepKind::kMerge, {"ups"}, {"down"}},
      {"output", StepKind::kSinkPartitioned, {"up"}, {}},
      {"redistribute", StepKind::kRedistribute, {"up"}, {"down"}},
      {"stateful_batch", StepKind::kStatefulBatch, {"up"}, {"down"}},
  }};
  for (const auto& core : kAll) {
    if (core.name == name) return &core;
  }
  return nullptr;
}

std::string type_of(py::handle value) {
  return py::str(py::type::handle_of(value).attr("__qualname__"));
}

// The two kinds of sources, or of sinks.
struct Ends {
  const char* module;
  const char* partitioned_class;
  StepKind partitioned;
  const char* dynamic_class;
  StepKind dynamic;
};
constexpr Ends kSources{"cppwax.inputs", "FixedPartitionedSource", StepKind::kSourcePartitioned,
                        "DynamicSource", StepKind::kSourceDynamic};
constexpr Ends kSinks{"cppwax.outputs", "FixedPartitionedSink", StepKind::kSinkPartitioned,
                      "DynamicSink", StepKind::kSinkDynamic};

StepKind kind_of_end(const Ends& ends, const std::string& step_id, const char* attribute,
                     py::handle value) {
  const auto classes = py::module_::import(ends.module);
  if (py::isinstance(value, classes.attr(ends.partitioned_class))) return ends.partitioned;
  if (py::isinstance(value, classes.attr(ends.dynamic_class))) return ends.dynamic;
  throw py::type_error("step '" + step_id + "': the " + attribute + " must be a `" +
                       ends.partitioned_class + "` or a `" + ends.dynamic_class + "` of `" +
                       ends.module + "`, not a `" + type_of(value) + "`");
}

StepKind kind_of(const CoreOperator& core, const std::string& step_id, py::handle op) {
  if (core.kind == StepKind::kSourcePartitioned) {
    return kind_of_end(kSources, step_id, "source", op.attr("source"));
  }
  if (core.kind == StepKind::kSinkPartitioned) {
    return kind_of_end(kSinks, step_id, "sink", op.attr("sink"));
  }
  return core.kind;
}

// The streams that meet in these ports.
std::vector<std::string> streams_of(py::handle op, const std::vector<const char*>& ports) {
  std::vector<std::string> ids;
  for (const char* port : ports) {
    const auto streams = op.attr(port).attr("stream_ids").attr("values")();
    for (const py::handle id : streams) ids.push_back(id.cast<std::string>());
  }
  return ids;
}

class Reader {
 public:
  explicit Reader(std::string flow_id) : builder_(std::move(flow_id)) {}

  void read(py::handle substeps) {
    for (const py::handle op : substeps) {
      if (py::bool_(op.attr("core"))) {
        add(op);
      } else {
        read(op.attr("substeps"));
      }
    }
  }

  PyPlan finish() && {
    std::vector<std::size_t> order;
    const graph::Plan plan = std::move(builder_).build(&order);
    std::vector<PyStep> sorted;
    for (std::size_t i = 0; i < plan.steps().size(); ++i) {
      const auto& step = plan.steps()[i];
      const bool is_users = step.kind != StepKind::kProbe;
      sorted.push_back({step.id, step.kind, is_users ? added_[order[i]] : py::object()});
    }
    return {graph::fuse(plan), std::move(sorted)};
  }

 private:
  void add(py::handle op) {
    const auto id = op.attr("step_id").cast<std::string>();
    const std::string name = py::str(py::type::handle_of(op).attr("__name__"));
    const CoreOperator* core = find_core_operator(name);
    if (core == nullptr) {
      throw py::type_error("step '" + id + "': the engine has no core operator `" + name +
                           "`; compose it of those in `cppwax.operators`");
    }
    builder_.add(id, kind_of(*core, id, op), streams_of(op, core->inputs),
                 streams_of(op, core->outputs));
    added_.push_back(py::reinterpret_borrow<py::object>(op));
  }

  graph::PlanBuilder builder_;
  std::vector<py::object> added_;
};

}  // namespace

PyPlan read_plan(py::handle flow) {
  if (!py::isinstance(flow, py::module_::import("cppwax.dataflow").attr("Dataflow"))) {
    throw py::type_error("`flow` must be a `cppwax.dataflow.Dataflow`, not a `" + type_of(flow) +
                         "`");
  }
  Reader reader(flow.attr("flow_id").cast<std::string>());
  reader.read(flow.attr("substeps"));
  return std::move(reader).finish();
}

}  // namespace cppwax::bindings
