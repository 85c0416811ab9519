#include "bindings/logic/sink.hpp"

#include <string>
#include <utility>
#include <vector>

#include "bindings/logic/built_part.hpp"
#include "bindings/logic/keyed_item.hpp"
#include "bindings/logic/native_sink.hpp"
#include "bindings/logic/part_choice.hpp"
#include "bindings/py_call.hpp"
#include "bindings/py_payload.hpp"
#include "engine/base/first_failure.hpp"

namespace cppwax::bindings {

namespace {

py::object sink_of(const PyStep& step) {
  return attribute_of(step.op.ptr(), "sink");
}

void write_batch(const PyTypes& types, const py::object& part, PyPayload& values,
                 const std::string& where) {
  const std::size_t count = values.size();
  const py::object list = values.to_list();
  call_method([&] { return "calling `write_batch`" + where + " with " + count_of(count, "item"); },
              part.ptr(), types.write_batch, list.ptr());
}

void close_part(const PyTypes& types, const py::object& part, const std::string& where) {
  call_method([&] { return "calling `close`" + where; }, part.ptr(), types.close);
}

class DynamicLogic : public operators::SinkLogic {
 public:
  DynamicLogic(const PyTypes& types, py::object part) : types_(types), part_(std::move(part)) {}

  void write(data::PayloadPtr batch) override { write_batch(types_, part_, as_py(*batch), ""); }
  void close() override { close_part(types_, part_, ""); }

 private:
  const PyTypes& types_;
  py::object part_;
};

// The partitions of a sink; only those whose items come to this worker are ever built.
class PartitionedLogic : public operators::SinkLogic {
 public:
  PartitionedLogic(const PyStep& step, const PyTypes& types, const progress::Assignment& parts)
      : step_(step), types_(types), choice_(step, types, parts.size()) {
    for (const auto& [name, worker] : parts) parts_.push_back({name, {}, {}});
  }

  void write(data::PayloadPtr batch) override {
    // In order of the first item of each, so that parts are built and written in order of arrival.
    std::vector<Part*> touched;
    for (PyObject* item : as_py(*batch).items()) {
      const KeyedItem pair = keyed_item(step_.id, item);
      Part& part = parts_[choice_.of(pair.key)];
      if (part.values.empty()) touched.push_back(&part);
      part.values.push_borrowed(pair.value);
    }
    batch.reset();
    for (Part* part : touched) {
      if (!part->object) part->object = build(part->name);
      write_batch(types_, part->object, part->values, of_partition(part->name));
    }
  }

  // Closes all, also when one fails to.
  void close() override {
    FirstFailure first;
    for (const Part& part : parts_) {
      if (!part.object) continue;
      first.attempt([&] { close_part(types_, part.object, of_partition(part.name)); });
    }
    first.rethrow();
  }

 private:
  struct Part {
    std::string name;
    py::object object;  // null until its first item
    PyPayload values;   // of the batch at hand
  };

  py::object build(const std::string& name) {
    return build_part(step_, types_,
                      {sink_of(step_), types_.stateful_sink_partition, "StatefulSinkPartition"},
                      name);
  }

  const PyStep& step_;
  const PyTypes& types_;
  PartChoice choice_;
  std::vector<Part> parts_;  // in order of the names
};

}  // namespace

std::unique_ptr<operators::SinkLogic> make_dynamic_sink(const PyStep& step, const PyTypes& types,
                                                        operators::Seat seat) {
  const py::object sink = sink_of(step);
  const py::object part = build_dynamic(
      step, types, {sink, types.stateless_sink_partition, "StatelessSinkPartition"}, seat);
  return native_if_known({sink, part, std::make_unique<DynamicLogic>(types, part)});
}

std::unique_ptr<operators::SinkLogic> make_partitioned_sink(const PyStep& step,
                                                            const PyTypes& types,
                                                            const progress::Assignment& parts) {
  return std::make_unique<PartitionedLogic>(step, types, parts);
}

}  // namespace cppwax::bindings
