#include "bindings/py_logic.hpp"

#include <utility>

#include "bindings/gil.hpp"
#include "bindings/logic/branch.hpp"
#include "bindings/logic/flat_map_batch.hpp"
#include "bindings/logic/inspect_debug.hpp"
#include "bindings/logic/keyed_body.hpp"
#include "bindings/logic/routers.hpp"
#include "bindings/logic/sink.hpp"
#include "bindings/logic/source.hpp"
#include "bindings/py_call.hpp"
#include "bindings/py_codec.hpp"
#include "bindings/py_types.hpp"

namespace cppwax::bindings {

using operators::Seat;

namespace {

// Of a run whose items stay here: nothing of pickle is loaded for it.
class NoCodec final : public data::PayloadCodec {
 public:
  data::Encoded encode(const data::Payload&) const override { refuse(); }
  data::PayloadPtr decode(data::Encoded) const override { refuse(); }

 private:
  [[noreturn]] static void refuse() {
    throw InvariantError("an item was to leave the only process of a run");
  }
};

}  // namespace

PyLogicFactory::PyLogicFactory(std::vector<PyStep> steps, bool leaves_process)
    : steps_(std::move(steps)), types_(std::make_unique<PyTypes>()) {
  if (leaves_process) {
    codec_ = std::make_unique<PyCodec>();
  } else {
    codec_ = std::make_unique<NoCodec>();
  }
}

const data::PayloadCodec& PyLogicFactory::codec() const {
  return *codec_;
}

PyLogicFactory::~PyLogicFactory() = default;

std::unique_ptr<operators::UserCodeScope> PyLogicFactory::scope() const {
  return std::make_unique<GilScope>();
}

std::unique_ptr<operators::FlatMapBatchLogic> PyLogicFactory::flat_map_batch(StepIndex step,
                                                                             Seat seat) const {
  return make_flat_map_batch(at(step), seat);
}

std::unique_ptr<operators::BranchLogic> PyLogicFactory::branch(StepIndex step, Seat) const {
  return make_branch(at(step));
}

std::unique_ptr<operators::InspectLogic> PyLogicFactory::inspect_debug(StepIndex step,
                                                                       Seat seat) const {
  return make_inspect_debug(at(step), seat);
}

std::unique_ptr<operators::KeyedBody> PyLogicFactory::keyed_body(StepIndex step, Seat seat) const {
  return make_keyed_body(at(step), *types_, seat);
}

bool PyLogicFactory::starts_now(StepIndex step) const {
  return source_starts_now(at(step));
}

std::vector<std::string> PyLogicFactory::list_parts(StepIndex step, Seat) const {
  const char* owner = graph::is_source(at(step).kind) ? "source" : "sink";
  const py::object object = attribute_of(at(step).op.ptr(), owner);
  return list_parts_of(at(step).id, *types_, object.ptr());
}

void PyLogicFactory::found_no_parts(StepIndex step, Seat) const {
  source_found_no_parts(at(step));
}

std::unique_ptr<operators::SourcePart> PyLogicFactory::source_part(
    StepIndex step, Seat, const std::string& name, const std::optional<std::string>& stored) const {
  return make_source_part(at(step), *types_, name, stored);
}

std::unique_ptr<operators::SourcePart> PyLogicFactory::dynamic_source(StepIndex step,
                                                                      Seat seat) const {
  return make_dynamic_source(at(step), *types_, seat);
}

std::unique_ptr<operators::SinkLogic> PyLogicFactory::dynamic_sink(StepIndex step,
                                                                   Seat seat) const {
  return make_dynamic_sink(at(step), *types_, seat);
}

std::unique_ptr<operators::PartitionedSinkLogic> PyLogicFactory::partitioned_sink(
    StepIndex step, Seat seat, const progress::Assignment& parts) const {
  return make_partitioned_sink(at(step), *types_, seat, parts);
}

std::unique_ptr<channel::Router> PyLogicFactory::key_router(StepIndex step, Seat seat) const {
  return make_key_router(at(step), seat);
}

std::unique_ptr<channel::Router> PyLogicFactory::partition_router(
    StepIndex step, Seat seat, const progress::Assignment& parts) const {
  return make_partition_router(at(step), *types_, seat, parts);
}

}  // namespace cppwax::bindings
