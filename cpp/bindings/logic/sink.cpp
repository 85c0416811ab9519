#include "bindings/logic/sink.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/logic/built_part.hpp"
#include "bindings/logic/native_sink.hpp"
#include "bindings/logic/part_choice.hpp"
#include "bindings/logic/state_codec.hpp"
#include "bindings/py_call.hpp"
#include "bindings/py_payload.hpp"
#include "engine/base/error.hpp"
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
  DynamicLogic(const PyTypes& types, py::object part)
      : types_(types), part_(std::move(part)), is_told_of_ends_(has_own_end_epoch()) {}

  void write(data::PayloadPtr batch) override {
    written_ = true;
    write_batch(types_, part_, as_py(*batch), "");
  }

  void end_epoch() override {
    if (!std::exchange(written_, false) || !is_told_of_ends_) return;
    call_method([] { return std::string("calling `end_epoch`"); }, part_.ptr(), types_.end_epoch);
  }

  void close() override { close_part(types_, part_, ""); }

 private:
  // The one that every partition has does nothing.
  bool has_own_end_epoch() const {
    const char* name = "end_epoch";
    const auto own = py::reinterpret_borrow<py::object>(py::type::of(part_));
    return !attribute_of(own.ptr(), name)
                .is(attribute_of(types_.stateless_sink_partition.ptr(), name));
  }

  const PyTypes& types_;
  py::object part_;
  bool is_told_of_ends_;
  bool written_ = false;  // since the last end of an epoch
};

// The partitions of a sink; only those whose items come to this worker are ever built.
class PartitionedLogic : public operators::PartitionedSinkLogic {
 public:
  PartitionedLogic(const PyStep& step, const PyTypes& types, operators::Seat seat,
                   const progress::Assignment& parts)
      : step_(step),
        types_(types),
        choice_(step, types, parts.size()),
        are_placed_(seat.worker_count > 1) {
    for (const auto& [name, worker] : parts) {
      parts_.push_back({.name = name, .is_own = worker == seat.worker});
    }
    if (seat.recovery) codec_.emplace();
  }

  void write(data::PayloadPtr batch) override {
    // In order of the first item of each, so that parts are built and written in order of arrival.
    std::vector<Part*> touched;
    for (PyObject* item : as_py(*batch).items()) {
      const PlacedItem placed = are_placed_ ? placed_item(item) : choice_.choose(item);
      Part& part = parts_[placed.part];
      if (part.values.empty()) touched.push_back(&part);
      part.values.push_borrowed(placed.value);
    }
    batch.reset();
    for (Part* part : touched) {
      if (!part->object) build(*part, py::none());
      part->changed = true;
      write_batch(types_, part->object, part->values, of_partition(part->name));
    }
  }

  void in_epoch(Epoch epoch) override { epoch_ = epoch; }

  recovery::Entries take_changes(std::size_t at_most) override {
    recovery::Entries entries;
    for (Part& part : parts_) {
      if (entries.size() == at_most) break;
      if (!std::exchange(part.changed, false)) continue;
      if (part.is_transactional) {
        tell(part, types_.prepare, "prepare", epoch_);
      }
      const auto whose = [&] { return of_partition(part.name); };
      entries.push_back({part.name, codec_->snapshot_of(part.object, whose)});
    }
    return entries;
  }

  void restore(recovery::Entries entries) override {
    for (const recovery::Entry& entry : entries) {
      const auto part = std::ranges::lower_bound(parts_, entry.key, {}, &Part::name);
      ENGINE_ASSERT(part != parts_.end() && part->name == entry.key, entry.key);
      build(*part, codec_->restore(*entry.state, [&] { return of_partition(part->name); }));
    }
  }

  void build_others() override {
    for (Part& part : parts_) {
      if (part.is_own && !part.object) build(part, py::none());
    }
  }

  void committed(Epoch epoch) override {
    for (const Part& part : parts_) {
      if (part.is_transactional) tell(part, types_.committed, "committed", epoch);
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
    bool is_own;
    bool changed = false;           // since its state was stored
    bool is_transactional = false;  // known once it is built
    py::object object{};            // null until its first item
    PyPayload values{};             // of the batch at hand
  };

  void build(Part& part, const py::object& state) {
    part.object = build_part(
        step_, types_, {sink_of(step_), types_.stateful_sink_partition, "StatefulSinkPartition"},
        part.name, state);
    const auto doing = [&] { return "looking at the class" + of_partition(part.name); };
    const int is =
        PyObject_IsInstance(part.object.ptr(), types_.transactional_sink_partition.ptr());
    if (is < 0) throw_user_error(doing());
    part.is_transactional = is == 1;
    if (part.is_transactional && !codec_) refuse_without_store(part);
  }

  // Its output would never be written.
  void refuse_without_store(const Part& part) const {
    PyErr_SetString(PyExc_RuntimeError,
                    ("step '" + step_.id +
                     "': a `TransactionalSinkPartition` writes what a recovery store has made "
                     "durable: run with one (-r, or `recovery_config`)")
                        .c_str());
    throw_user_error("building the sink" + of_partition(part.name));
  }

  void tell(const Part& part, const py::object& method, const char* name, Epoch epoch) const {
    const py::int_ number(epoch.value());
    call_method([&] { return std::string("calling `") + name + "`" + of_partition(part.name); },
                part.object.ptr(), method, number.ptr());
  }

  const PyStep& step_;
  const PyTypes& types_;
  PartChoice choice_;
  bool are_placed_;                  // items, by the router of several workers
  std::optional<StateCodec> codec_;  // with recovery only
  std::vector<Part> parts_;          // in order of the names
  Epoch epoch_{};                    // of what was written last
};

}  // namespace

std::unique_ptr<operators::SinkLogic> make_dynamic_sink(const PyStep& step, const PyTypes& types,
                                                        operators::Seat seat) {
  const py::object sink = sink_of(step);
  const py::object part = build_dynamic(
      step, types, {sink, types.stateless_sink_partition, "StatelessSinkPartition"}, seat);
  return native_if_known({sink, part, std::make_unique<DynamicLogic>(types, part)});
}

std::unique_ptr<operators::PartitionedSinkLogic> make_partitioned_sink(
    const PyStep& step, const PyTypes& types, operators::Seat seat,
    const progress::Assignment& parts) {
  return std::make_unique<PartitionedLogic>(step, types, seat, parts);
}

}  // namespace cppwax::bindings
