#include "bindings/logic/built_part.hpp"

#include "bindings/py_call.hpp"

namespace cppwax::bindings {

namespace {

void check_part(const PyStep& step, const PartBuilder& builder, const py::object& part,
                const std::string& doing) {
  const int is = PyObject_IsInstance(part.ptr(), builder.type.ptr());
  if (is < 0) throw_user_error(doing);
  if (is == 1) return;
  throw_type_error(doing, "step '" + step.id + "': the result must be a `" + builder.type_name +
                              "`, got a `" + type_name(part.ptr()) + "`");
}

}  // namespace

py::object build_part(const PyStep& step, const PyTypes& types, const PartBuilder& builder,
                      const std::string& name, const py::object& state) {
  const std::string doing = "calling `build_part`" + of_partition(name);
  const py::object step_id = str_of(step.id);
  const py::object part_name = str_of(name);
  py::object part = call_method([&] { return doing; }, builder.owner.ptr(), types.build_part,
                                step_id.ptr(), part_name.ptr(), state.ptr());
  check_part(step, builder, part, doing);
  return part;
}

py::object build_dynamic(const PyStep& step, const PyTypes& types, const PartBuilder& builder,
                         operators::Seat seat) {
  const std::string doing = "calling `build`";
  const py::object step_id = str_of(step.id);
  const py::int_ worker(seat.worker.value());
  const py::int_ worker_count(seat.worker_count);
  py::object part = call_method([&] { return doing; }, builder.owner.ptr(), types.build,
                                step_id.ptr(), worker.ptr(), worker_count.ptr());
  check_part(step, builder, part, doing);
  return part;
}

std::string of_partition(const std::string& name) {
  return " of partition " + shown(str_of(name).ptr());
}

}  // namespace cppwax::bindings
