#include "bindings/logic/keyed_answer.hpp"

#include "bindings/py_call.hpp"

namespace cppwax::bindings {

std::string calling(const char* method, const KeySlot& slot) {
  return std::string("calling `") + method + "` for key " + shown(slot.key.ptr());
}

Answer AnswerReader::read(const py::object& result, const char* method, const KeySlot& slot) const {
  PyObject* pair = result.ptr();
  const auto refuse = [&](const std::string& what) {
    throw_type_error(calling(method, slot),
                     "step '" + step_ + "': the result of `" + method + "` " + what);
  };
  if (!PyTuple_Check(pair)) {
    refuse("must be a 2-tuple `(items, is_complete)`, got a `" + type_name(pair) + "`");
  }
  if (PyTuple_GET_SIZE(pair) != 2) {
    refuse("must be a 2-tuple `(items, is_complete)`, got a tuple of " +
           count_of(static_cast<std::size_t>(PyTuple_GET_SIZE(pair)), "item"));
  }
  PyObject* items = PyTuple_GET_ITEM(pair, 0);
  PyObject* complete = PyTuple_GET_ITEM(pair, 1);
  if (!PyBool_Check(complete)) {
    refuse("has an `is_complete` that must be a `bool`, got a `" + type_name(complete) + "`");
  }
  if (!types_.is_sequence(items)) {
    refuse("has items that must be a list or another sequence, got a `" + type_name(items) + "`");
  }
  Answer answer;
  append_all(answer.values, [&] { return "reading the items of " + calling(method, slot); }, items);
  answer.discard = complete == Py_True;
  return answer;
}

std::optional<WallTime> AnswerReader::ask_notify_at(const py::object& logic,
                                                    const KeySlot& slot) const {
  const auto doing = [&] { return calling("notify_at", slot); };
  const py::object answer = call_method(doing, logic.ptr(), types_.notify_at);
  return asked_time(types_, answer, doing, step_, "notify_at");
}

}  // namespace cppwax::bindings
