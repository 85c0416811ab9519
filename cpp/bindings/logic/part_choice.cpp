#include "bindings/logic/part_choice.hpp"

#include <string>

#include "bindings/logic/keyed_item.hpp"
#include "bindings/py_call.hpp"

namespace cppwax::bindings {

PartChoice::PartChoice(const PyStep& step, const PyTypes& types, std::size_t part_count)
    : step_(step.id),
      types_(types),
      sink_(attribute_of(step.op.ptr(), "sink")),
      part_count_(part_count) {}

PlacedItem PartChoice::choose(PyObject* item) const {
  const KeyedItem pair = keyed_item(step_, item);
  return {part_of(pair.key), pair.value};
}

PyObject* PartChoice::placed(PyObject* item) const {
  const PlacedItem placed = choose(item);
  const auto part = py::reinterpret_steal<py::object>(PyLong_FromSize_t(placed.part));
  PyObject* pair = part ? PyTuple_Pack(2, part.ptr(), placed.value) : nullptr;
  if (pair == nullptr) throw_user_error("making an item");
  return pair;
}

std::size_t PartChoice::part_of(PyObject* key) const {
  const auto doing = [&] { return "calling `part_fn` for key " + shown(key); };
  if (part_count_ == 0) {
    PyErr_Format(PyExc_ValueError,
                 "step '%s' has an item to write, but `list_parts` of its sink lists no partition "
                 "on any worker",
                 step_.c_str());
    throw_user_error("choosing a partition");
  }
  const py::object answer = call_method(doing, sink_.ptr(), types_.part_fn, key);
  if (!PyIndex_Check(answer.ptr())) {
    throw_type_error(doing(), "step '" + step_ +
                                  "': the result of `part_fn` must be an `int`, got a `" +
                                  type_name(answer.ptr()) + "`");
  }
  const py::object number = call_result(PyNumber_Index(answer.ptr()), doing);
  const unsigned long long part = PyLong_AsUnsignedLongLong(number.ptr());
  if (part == static_cast<unsigned long long>(-1) && PyErr_Occurred()) {
    PyErr_Clear();
    PyErr_Format(PyExc_OverflowError,
                 "step '%s': the result of `part_fn` must be from 0 to 2**64 - 1, got %S",
                 step_.c_str(), number.ptr());
    auto cause = take_python_error(Wrapped::kYes);
    throw UserCodeError(doing(), std::move(cause));
  }
  return static_cast<std::size_t>(part % part_count_);
}

}  // namespace cppwax::bindings
