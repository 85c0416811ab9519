#include "bindings/logic/source.hpp"

#include <optional>
#include <utility>

#include "bindings/logic/built_part.hpp"
#include "bindings/logic/native_source.hpp"
#include "bindings/logic/state_codec.hpp"
#include "bindings/py_call.hpp"
#include "bindings/py_payload.hpp"

namespace cppwax::bindings {

namespace {

using operators::Polled;

bool overrides_next_awake(const PyTypes& types, const py::object& part) {
  const py::object method = attribute_of(part.ptr(), "next_awake");
  if (!PyMethod_Check(method.ptr())) return true;
  const auto is_of = [&](const py::object& base) {
    return attribute_of(base.ptr(), "next_awake").ptr() == PyMethod_GET_FUNCTION(method.ptr());
  };
  return !is_of(types.stateful_source_partition) && !is_of(types.stateless_source_partition);
}

class PartitionLogic : public operators::SourcePart {
 public:
  // `where` follows the name of a method in messages: " of partition 'a'", or nothing.
  PartitionLogic(const StepId& step, const PyTypes& types, py::object part, std::string where)
      : step_(step),
        types_(types),
        part_(std::move(part)),
        where_(std::move(where)),
        may_sleep_(overrides_next_awake(types, part_)) {}

  Polled next_batch() override {
    PyObject* result = surviving_exit(
        [&] { return PyObject_CallMethodNoArgs(part_.ptr(), types_.next_batch.ptr()); });
    if (result == nullptr) {
      return end_of_polls(types_, [this] { return calling("next_batch"); });
    }
    const auto batch = call_result(result, [this] { return calling("next_batch"); });
    auto items = std::make_unique<PyPayload>();
    if (!may_iterate(batch.ptr())) {
      throw_type_error(calling("next_batch"),
                       "step '" + step_ +
                           "' needs the results of `next_batch` to be iterables, such as lists; "
                           "it returned a `" +
                           type_name(batch.ptr()) + "`");
    }
    append_all(
        *items, [this] { return "iterating over the result of " + calling("next_batch"); },
        batch.ptr());
    return {Polled::Kind::kItems, std::move(items)};
  }

  std::optional<WallTime> next_awake() override {
    if (!may_sleep_) return std::nullopt;
    const auto doing = [this] { return calling("next_awake"); };
    const py::object answer = call_method(doing, part_.ptr(), types_.next_awake);
    return asked_time(types_, answer, doing, step_, "next_awake");
  }

  std::string snapshot() override {
    if (!codec_) codec_.emplace();
    return codec_->snapshot_of(part_, [this] { return where_; });
  }

  void close() override {
    call_method([this] { return calling("close"); }, part_.ptr(), types_.close);
  }

 private:
  std::string calling(const char* method) const {
    return std::string("calling `") + method + "`" + where_;
  }

  const StepId& step_;
  const PyTypes& types_;
  py::object part_;
  std::string where_;
  std::optional<StateCodec> codec_;
  bool may_sleep_;  // `next_awake` is not the one that always gives None
};

py::object source_of(const PyStep& step) {
  return attribute_of(step.op.ptr(), "source");
}

}  // namespace

std::vector<std::string> list_parts_of(const StepId& step, const PyTypes& types, PyObject* owner) {
  const auto doing = [] { return std::string("calling `list_parts`"); };
  const auto refuse = [&](const std::string& what) {
    throw_type_error(doing(), "step '" + step + "': the result of `list_parts` must be a list of " +
                                  "`str`, " + what);
  };
  const py::object result = call_method(doing, owner, types.list_parts);
  if (!types.is_sequence(result.ptr())) refuse("got a `" + type_name(result.ptr()) + "`");
  PyPayload listed;
  append_all(
      listed, [] { return std::string("iterating over the result of `list_parts`"); },
      result.ptr());
  std::vector<std::string> names;
  for (PyObject* name : listed.items()) {
    if (!PyUnicode_Check(name)) refuse("got one with a `" + type_name(name) + "`");
    names.push_back(utf8_of(name));
  }
  return names;
}

// A class that was registered as a FixedPartitionedSource need not have it, nor what follows.
bool source_starts_now(const PyStep& step) {
  const py::object says = py::getattr(source_of(step), "_starts_now", py::none());
  return says.ptr() == Py_True;
}

void source_found_no_parts(const PyStep& step) {
  const py::object hook = py::getattr(source_of(step), "_found_no_parts", py::none());
  if (hook.is_none()) return;
  call_user([] { return std::string("looking for partitions"); }, hook.ptr());
}

std::unique_ptr<operators::SourcePart> make_source_part(const PyStep& step, const PyTypes& types,
                                                        const std::string& name,
                                                        const std::optional<std::string>& stored) {
  const py::object source = source_of(step);
  const py::object state = stored
                               ? StateCodec().restore(*stored, [&] { return of_partition(name); })
                               : py::object(py::none());
  const py::object part =
      build_part(step, types, {source, types.stateful_source_partition, "StatefulSourcePartition"},
                 name, state);
  auto logic = std::make_unique<PartitionLogic>(step.id, types, part, of_partition(name));
  return native_if_known(types, {source, part, std::move(logic)});
}

std::unique_ptr<operators::SourcePart> make_dynamic_source(const PyStep& step, const PyTypes& types,
                                                           operators::Seat seat) {
  py::object part = build_dynamic(
      step, types, {source_of(step), types.stateless_source_partition, "StatelessSourcePartition"},
      seat);
  return std::make_unique<PartitionLogic>(step.id, types, std::move(part), std::string());
}

}  // namespace cppwax::bindings
