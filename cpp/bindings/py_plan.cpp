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

[[noreturn]] void refuse(const std::string& owner, const char* attribute, const char* wanted,
                         py::handle got) {
  throw py::type_error(owner + ": `" + attribute + "` must be " + wanted + ", not a `" +
                       type_of(got) +
                       "`; attributes of flows and steps must stay as operators "
                       "made them");
}

// A `Dataflow` is plain data: somebody may have changed its attributes, or removed them.
py::object attribute_or_none(py::handle object, const char* name) {
  return py::getattr(object, name, py::none());
}

std::string str_in(const std::string& owner, py::handle object, const char* name) {
  const py::object value = attribute_or_none(object, name);
  if (!py::isinstance<py::str>(value)) refuse(owner, name, "a `str`", value);
  return value.cast<std::string>();
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
  const auto end = [&](const Ends& ends, const char* name) {
    return kind_of_end(ends, step_id, name, attribute_or_none(op, name));
  };
  if (core.kind == StepKind::kSourcePartitioned) return end(kSources, "source");
  if (core.kind == StepKind::kSinkPartitioned) return end(kSinks, "sink");
  return core.kind;
}

// The streams that meet in these ports.
std::vector<std::string> streams_of(const std::string& owner, py::handle op,
                                    const std::vector<const char*>& ports) {
  std::vector<std::string> ids;
  for (const char* name : ports) {
    const py::object port = attribute_or_none(op, name);
    const py::object streams = attribute_or_none(port, "stream_ids");
    if (!py::isinstance<py::dict>(streams)) refuse(owner, name, "a `Port`", port);
    for (const auto& [key, id] : py::cast<py::dict>(streams)) {
      if (!py::isinstance<py::str>(id)) refuse(owner, name, "a `Port` of ids of streams", id);
      ids.push_back(id.cast<std::string>());
    }
  }
  return ids;
}

class Reader {
 public:
  explicit Reader(std::string flow_id) : builder_(std::move(flow_id)) {}

  // The steps in something that has `substeps`.
  void read(const std::string& owner, py::handle outer) {
    const py::object substeps = attribute_or_none(outer, "substeps");
    if (!py::isinstance<py::list>(substeps)) refuse(owner, "substeps", "a list", substeps);
    for (const py::handle op : substeps) {
      if (!py::isinstance(op, operator_class_)) {
        refuse(owner, "substeps", "a list of `Operator`s", op);
      }
      const std::string id = str_in("a step of " + owner, op, "step_id");
      if (py::bool_(op.attr("core"))) {
        add(id, op);
      } else {
        read("step '" + id + "'", op);
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
  void add(const std::string& id, py::handle op) {
    const std::string owner = "step '" + id + "'";
    const std::string name = py::str(py::type::handle_of(op).attr("__name__"));
    const CoreOperator* core = find_core_operator(name);
    if (core == nullptr) {
      throw py::type_error("step '" + id + "': the engine has no core operator `" + name +
                           "`; compose it of those in `cppwax.operators`");
    }
    builder_.add(id, kind_of(*core, id, op), streams_of(owner, op, core->inputs),
                 streams_of(owner, op, core->outputs));
    added_.push_back(py::reinterpret_borrow<py::object>(op));
  }

  py::object operator_class_ = py::module_::import("cppwax.dataflow").attr("Operator");
  graph::PlanBuilder builder_;
  std::vector<py::object> added_;
};

}  // namespace

PyPlan read_plan(py::handle flow) {
  if (!py::isinstance(flow, py::module_::import("cppwax.dataflow").attr("Dataflow"))) {
    throw py::type_error("`flow` must be a `cppwax.dataflow.Dataflow`, not a `" + type_of(flow) +
                         "`");
  }
  Reader reader(str_in("the flow", flow, "flow_id"));
  reader.read("the flow", flow);
  return std::move(reader).finish();
}

}  // namespace cppwax::bindings
