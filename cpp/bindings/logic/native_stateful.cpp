// Native form of stateful: the logics of users, which take values one by one. A logic that is over
// is replaced by a new one at the key's next value, of the same batch too.
#include <memory>
#include <utility>

#include "bindings/logic/keyed_answer.hpp"
#include "bindings/logic/native_keyed_body.hpp"
#include "bindings/logic/native_results.hpp"

namespace cppwax::bindings::native {

namespace {

class Stateful final : public NativeKeyedLogic {
 public:
  static constexpr bool kTimed = true;

  struct State {
    py::object logic;  // null until it is built
  };
  using Slot = TimedNativeSlot<State>;

  explicit Stateful(const KeyedSetup& setup)
      : types_(setup.types),
        answers_(setup.step.id, setup.types),
        step_id_(attribute_of(setup.builder.ptr(), "step_id")),
        build_(callable_of(setup.builder.ptr(), "build")),
        on_item_(interned("on_item")),
        snapshot_(interned("snapshot")) {}

  Keep on_value(Slot& slot, PyObject* value, KeyedOut& out) {
    const Calling doing{"on_batch", slot};
    if (!slot.state.logic) build(slot, slot.over ? doing : Calling{"builder", slot}, py::none());
    // Owned: the logic may be over, and the result is all that is left of it.
    const py::object logic = slot.state.logic;
    const py::object result = call_method(doing, logic.ptr(), on_item_, value);
    const TwoParts parts = unpacked(doing, result, [&] {
      call_user(doing, check_named("raise_not_pair").ptr(), step_id_.ptr(),
                py::str("on_item").ptr(), method_of(doing, logic).ptr(),
                py::str("(emit, is_complete)").ptr(), result.ptr());
    });
    PyObject* const emitted = parts.first.ptr();
    emit_all(doing, emitted, out, [&] {
      call_user(doing, check_named("check_iterable").ptr(), step_id_.ptr(),
                py::str("on_item").ptr(), method_of(doing, logic).ptr(), emitted);
    });
    return is_over(doing, logic, parts.second) ? Keep::kNo : Keep::kYes;
  }

  Keep on_notify(Slot& slot, KeyedOut& out) {
    return pass_on("on_notify", types_.on_notify, slot, out);
  }
  Keep on_eof(Slot& slot, KeyedOut& out) { return pass_on("on_eof", types_.on_eof, slot, out); }

  std::optional<WallTime> notify_at(Slot& slot) {
    return answers_.ask_notify_at(slot.state.logic, slot);
  }

  py::object snapshot(const Slot& slot) {
    return call_method(Snapshotting{slot}, slot.state.logic.ptr(), snapshot_);
  }
  void restore(Slot& slot, const py::object& state) {
    build(slot, Calling{"builder", slot}, state);
  }

 private:
  void build(Slot& slot, const Calling& doing, const py::object& state) {
    slot.state.logic = call_user(doing, build_.ptr(), state.ptr());
  }

  Keep pass_on(const char* method, const py::object& name, Slot& slot, KeyedOut& out) {
    const py::object logic = slot.state.logic;
    const Answer answer =
        answers_.read(call_method(Calling{method, slot}, logic.ptr(), name), method, slot);
    for (PyObject* value : answer.values.items()) out.emit(slot, Py_NewRef(value));
    return answer.discard ? Keep::kNo : Keep::kYes;
  }

  bool is_over(const Calling& doing, const py::object& logic, const py::object& answer) const {
    if (answer.ptr() == Py_False) return false;
    if (answer.ptr() != Py_True) {
      const py::str what("`is_complete` as returned by `on_item`");
      call_user(doing, check_named("raise_not_bool").ptr(), step_id_.ptr(), what.ptr(),
                method_of(doing, logic).ptr(), answer.ptr());
    }
    return true;
  }

  py::object method_of(const Calling& doing, const py::object& logic) const {
    return call_result(
        surviving_exit([&] { return PyObject_GetAttr(logic.ptr(), on_item_.ptr()); }), doing);
  }

  const PyTypes& types_;
  AnswerReader answers_;
  py::object step_id_;
  py::object build_;
  py::object on_item_;
  py::object snapshot_;
};

}  // namespace

std::unique_ptr<operators::KeyedBody> make_stateful(const KeyedSetup& setup) {
  return std::make_unique<NativeKeyedBody<Stateful>>(setup);
}

}  // namespace cppwax::bindings::native
