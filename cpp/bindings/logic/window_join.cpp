// `join_window`: the content of a window is a list of the values of each side, a list each.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "bindings/logic/join_modes.hpp"
#include "bindings/logic/window_contents.hpp"

namespace cppwax::bindings::windows {

namespace {

void check(const Call& call, int failed) {
  if (failed != 0) throw_user_error(call());
}

// The sides in a content, of which `each_row` makes its rows.
class ListedSides {
 public:
  // Borrowed: a list of lists.
  explicit ListedSides(PyObject* sides) : sides_(sides) {}

  std::size_t count() const { return static_cast<std::size_t>(PyList_GET_SIZE(sides_)); }
  std::size_t values_of(std::size_t side) const {
    return std::max<std::size_t>(static_cast<std::size_t>(PyList_GET_SIZE(values(side))), 1);
  }
  PyObject* value_at(std::size_t side, std::size_t index) const {
    if (PyList_GET_SIZE(values(side)) == 0) return Py_None;
    return PyList_GET_ITEM(values(side), static_cast<Py_ssize_t>(index));
  }

 private:
  PyObject* values(std::size_t side) const {
    return PyList_GET_ITEM(sides_, static_cast<Py_ssize_t>(side));
  }

  PyObject* sides_;
};

class JoinContents final : public Contents {
 public:
  explicit JoinContents(const py::object& builder)
      : side_count_(attribute_of(builder.ptr(), "side_count").cast<Py_ssize_t>()),
        insert_(insert_mode_of(builder)),
        emit_(emit_mode_of(builder)) {}

  py::object make(const Call& call) override {
    py::object sides = made(call, PyList_New(side_count_));
    for (Py_ssize_t side = 0; side < side_count_; ++side) {
      PyList_SET_ITEM(sides.ptr(), side, made(call, PyList_New(0)).release().ptr());
    }
    return sides;
  }

  // Another number of sides than that of the state may be asked for: as in the Python form, what
  // is of a side that is not there fails.
  py::object resume(const Call& call, const py::object& state) override {
    if (state.is_none()) return make(call);
    if (!PyList_CheckExact(state.ptr())) refuse(call, state);
    for (Py_ssize_t side = 0; side < PyList_GET_SIZE(state.ptr()); ++side) {
      if (!PyList_CheckExact(PyList_GET_ITEM(state.ptr(), side))) refuse(call, state);
    }
    return state;
  }

  void value(const Call& call, py::object& content, PyObject* value, Emitted out) override {
    PyObject* const sides = content.ptr();
    const Py_ssize_t side = side_of(call, value);
    if (side < 0 || side >= PyList_GET_SIZE(sides)) refuse_side(call);
    put(call, PyList_GET_ITEM(sides, side), PyTuple_GET_ITEM(value, 1));
    emit_due(call, content, out);
  }

  // Bytewax lets the session that is no more count as the earlier one, but in a product.
  void merge(const Call& call, py::object from, py::object& into, Emitted out) override {
    if (PyList_GET_SIZE(from.ptr()) > PyList_GET_SIZE(into.ptr())) refuse_side(call);
    for (Py_ssize_t side = 0; side < PyList_GET_SIZE(from.ptr()); ++side) {
      PyObject* own = PyList_GET_ITEM(into.ptr(), side);
      PyObject* others = PyList_GET_ITEM(from.ptr(), side);
      if (insert_ == InsertMode::kProduct) {
        check(call, PyList_SetSlice(own, PyList_GET_SIZE(own), PyList_GET_SIZE(own), others));
      } else {
        const bool others_first = insert_ == InsertMode::kFirst;
        PyObject* wanted = others_first ? others : own;
        if (PyList_GET_SIZE(wanted) == 0) wanted = others_first ? own : others;
        check(call, PyList_SetItem(into.ptr(), side, Py_NewRef(wanted)));
      }
    }
    emit_due(call, into, out);
  }

  void close(const Call& call, py::object content, Emitted out) override {
    if (emit_ == EmitMode::kFinal) emit_rows(call, content, out);
  }

  // `emit_mode="running"` tells all there is.
  void early(const Call&, const py::object&, Emitted) override {}

  py::object snapshot(const SnapshotCall&, const py::object& content) override { return content; }

 private:
  void put(const Call& call, PyObject* values, PyObject* value) const {
    if (insert_ == InsertMode::kProduct || PyList_GET_SIZE(values) == 0) {
      check(call, PyList_Append(values, value));
    } else if (insert_ == InsertMode::kLast) {
      check(call, PyList_SetItem(values, 0, Py_NewRef(value)));
    }
  }

  void emit_due(const Call& call, py::object& content, Emitted& out) {
    if (emit_ == EmitMode::kRunning) emit_rows(call, content, out);
    if (emit_ != EmitMode::kComplete) return;
    for (Py_ssize_t side = 0; side < PyList_GET_SIZE(content.ptr()); ++side) {
      if (PyList_GET_SIZE(PyList_GET_ITEM(content.ptr(), side)) == 0) return;
    }
    const py::object complete = std::exchange(content, make(call));
    emit_rows(call, complete, out);
  }

  static void emit_rows(const Call& call, const py::object& sides, Emitted& out) {
    each_row(ListedSides(sides.ptr()), call, [&](py::object row) { out.add(std::move(row)); });
  }

  static Py_ssize_t side_of(const Call& call, PyObject* value) {
    if (!PyTuple_CheckExact(value) || PyTuple_GET_SIZE(value) != 2 ||
        !PyLong_CheckExact(PyTuple_GET_ITEM(value, 0))) [[unlikely]] {
      throw_type_error(call(), "values of a join must be `(number of the side, value)`; got a `" +
                                   type_name(value) + "`");
    }
    return PyLong_AsSsize_t(PyTuple_GET_ITEM(value, 0));
  }

  [[noreturn]] static void refuse_side(const Call& call) {
    PyErr_SetString(PyExc_IndexError, "list index out of range");
    throw_user_error(call());
  }

  [[noreturn]] static void refuse(const Call& call, const py::object& state) {
    throw_type_error(call(),
                     "the stored state of a window of a join must be a list of lists; got a `" +
                         type_name(state.ptr()) +
                         "`; it is of another step: give this one another name");
  }

  Py_ssize_t side_count_;
  InsertMode insert_;
  EmitMode emit_;
};

}  // namespace

std::unique_ptr<Contents> make_join_contents(const py::object& builder) {
  return std::make_unique<JoinContents>(builder);
}

}  // namespace cppwax::bindings::windows
