// Native form of collect: the values of a key in a list, until it is full or a timeout is over.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bindings/logic/native_keyed_body.hpp"
#include "engine/base/clock.hpp"

namespace cppwax::bindings::native {

namespace {

std::string gathering() {
  return "gathering values";
}

class Collect final : public NativeKeyedLogic {
 public:
  static constexpr bool kTimed = true;

  struct State {
    py::object values;            // a list that nobody else has; null: none
    std::optional<WallTime> due;  // when they leave
  };
  using Slot = TimedNativeSlot<State>;

  explicit Collect(const KeyedSetup& setup)
      : types_(setup.types),
        timeout_(attribute_of(setup.builder.ptr(), "timeout")),
        max_size_(max_size_of(setup).value()) {}

  // nullopt: only Python can compare with it.
  static std::optional<Py_ssize_t> max_size_of(const KeyedSetup& setup) {
    const py::object size = attribute_of(setup.builder.ptr(), "max_size");
    if (!PyLong_CheckExact(size.ptr())) return std::nullopt;
    const Py_ssize_t value = PyLong_AsSsize_t(size.ptr());
    if (PyErr_Occurred() == nullptr) return value;
    PyErr_Clear();
    return std::nullopt;
  }

  Keep on_value(Slot& slot, PyObject* value, KeyedOut& out) {
    py::object& values = slot.state.values;
    if (!values) values = new_list();
    if (PyList_Append(values.ptr(), value) != 0) throw_user_error(gathering());
    if (PyList_GET_SIZE(values.ptr()) < max_size_) return Keep::kYes;
    out.emit(slot, values.release().ptr());
    return Keep::kNo;
  }

  Keep end_batch(Slot& slot, KeyedOut&) {
    if (slot.over) return Keep::kNo;
    slot.state.due = later_by(system_clock().wall(), timeout_.ptr());
    return Keep::kYes;
  }

  Keep on_notify(Slot& slot, KeyedOut& out) { return let_go(slot, out); }
  Keep on_eof(Slot& slot, KeyedOut& out) { return let_go(slot, out); }

  std::optional<WallTime> notify_at(const Slot& slot) { return slot.state.due; }

  py::object snapshot(const Slot& slot) {
    py::object due = slot.state.due ? datetime_of(types_, *slot.state.due) : py::none();
    const py::object& values = slot.state.values;
    const Py_ssize_t count = values ? PyList_GET_SIZE(values.ptr()) : 0;
    py::object copy =
        values ? made(gathering, PyList_GetSlice(values.ptr(), 0, count)) : new_list();
    return made(gathering, PyTuple_Pack(2, copy.ptr(), due.ptr()));
  }

  void restore(Slot& slot, const py::object& state) {
    const auto parts = py::cast<py::tuple>(state);
    slot.state.values = parts[0];
    const py::object due = parts[1];
    std::string why;
    if (!due.is_none()) slot.state.due = wall_time_of(types_, due.ptr(), why);
  }

 private:
  static py::object new_list() { return made(gathering, PyList_New(0)); }

  static Keep let_go(Slot& slot, KeyedOut& out) {
    py::object values = slot.state.values ? std::move(slot.state.values) : new_list();
    out.emit(slot, values.release().ptr());
    return Keep::kNo;
  }

  const PyTypes& types_;
  py::object timeout_;
  Py_ssize_t max_size_;
};

}  // namespace

std::unique_ptr<operators::KeyedBody> make_collect(const KeyedSetup& setup) {
  const py::object timeout = attribute_of(setup.builder.ptr(), "timeout");
  if (Py_TYPE(timeout.ptr()) != setup.types.timedelta) return nullptr;
  if (!Collect::max_size_of(setup)) return nullptr;
  return std::make_unique<NativeKeyedBody<Collect>>(setup);
}

}  // namespace cppwax::bindings::native
