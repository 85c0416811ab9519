#include "bindings/logic/window_contents.hpp"

#include <string>
#include <utility>

#include "bindings/logic/modules.hpp"
#include "bindings/logic/native.hpp"
#include "bindings/logic/native_results.hpp"

namespace cppwax::bindings::windows {

namespace {

// WindowLogic objects of any other builder.
class LogicContents final : public Contents {
 public:
  LogicContents(const PyStep& step, const py::object& builder)
      : step_(step.id), builder_(builder) {}

  py::object make(const Call& call) override { return call_user(call, builder_.ptr(), Py_None); }

  py::object resume(const Call& call, const py::object& state) override {
    return call_user(call, builder_.ptr(), state.ptr());
  }

  void value(const Call& call, py::object& logic, PyObject* value, Emitted out) override {
    emit(call, on_value_, call_method(call, logic.ptr(), on_value_, value), out);
  }

  void merge(const Call& call, py::object from, py::object& into, Emitted out) override {
    emit(call, on_merge_, call_method(call, into.ptr(), on_merge_, from.ptr()), out);
  }

  void close(const Call& call, py::object logic, Emitted out) override {
    emit(call, on_close_, call_method(call, logic.ptr(), on_close_), out);
  }

  void early(const Call& call, const py::object& logic, Emitted out) override {
    emit(call, on_early_, call_method(call, logic.ptr(), on_early_), out);
  }

  py::object snapshot(const SnapshotCall& call, const py::object& logic) override {
    return call_method(call, logic.ptr(), snapshot_);
  }

 private:
  void emit(const Call& call, const py::object& method, const py::object& values, Emitted& out) {
    const bool listlike = PyTuple_CheckExact(values.ptr()) || PyList_CheckExact(values.ptr());
    if (listlike && Py_SIZE(values.ptr()) == 0) return;
    PyObject* iterator = surviving_exit([&] { return PyObject_GetIter(values.ptr()); });
    if (iterator == nullptr && PyErr_ExceptionMatches(PyExc_TypeError))
      refuse(call, method, values);
    const py::object owned = call_result(iterator, call);
    while (PyObject* value = next_item(call, iterator)) {
      out.add(py::reinterpret_steal<py::object>(value));
    }
  }

  // REQUIRES: a Python error is set.
  [[noreturn]] void refuse(const Call& call, const py::object& method, const py::object& values) {
    py::error_already_set error;
    const py::object words = native::check_named("check_iterable");
    const py::str step(step_);
    call_user(call, words.ptr(), step.ptr(), method.ptr(), builder_.ptr(), values.ptr());
    // Something else is wrong in there.
    error.restore();
    throw_user_error(call());
  }

  StepId step_;
  py::object builder_;
  py::object on_value_ = interned("on_value");
  py::object on_merge_ = interned("on_merge");
  py::object on_close_ = interned("on_close");
  py::object on_early_ = interned("on_early");
  py::object snapshot_ = interned("snapshot");
};

}  // namespace

std::unique_ptr<Contents> make_contents(const PyStep& step, const py::object& builder) {
  if (is_exactly(builder, modules::kFoldWindow, "FoldWindowBuilder"))
    return make_fold_contents(builder);
  if (is_exactly(builder, modules::kJoinWindow, "JoinWindowBuilder"))
    return make_join_contents(builder);
  return std::make_unique<LogicContents>(step, builder);
}

}  // namespace cppwax::bindings::windows
