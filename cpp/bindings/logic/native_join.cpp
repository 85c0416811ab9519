// Native form of join: the values of each side of a key. Of a side that can have one value alone,
// only that is kept; else, or where such a state was stored, a list of them.
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "bindings/logic/join_modes.hpp"
#include "bindings/logic/native_keyed_body.hpp"

namespace cppwax::bindings::native {

namespace {

std::string joining() {
  return "joining values";
}

// The values of the sides of a key. Two sides, as most joins have, need no memory of their own.
class Sides {
 public:
  bool begun() const { return count_ > 0; }
  // `several`: whether sides may have more than one value each. REQUIRES: not begun.
  void begin(std::size_t count, bool several) {
    if (count > kFew) more_.reset(new py::object[count]);
    count_ = count;
    several_ = several;
  }
  std::size_t count() const { return count_; }

  void insert(std::size_t index, PyObject* value, InsertMode mode) {
    py::object& side = sides()[index];
    if (!side) ++filled_;
    if (!several_) {
      if (!side || mode == InsertMode::kLast) side = py::reinterpret_borrow<py::object>(value);
    } else if (!side) {
      side = made(joining, PyList_New(1));
      PyList_SET_ITEM(side.ptr(), 0, Py_NewRef(value));
    } else if (mode == InsertMode::kProduct) {
      if (PyList_Append(side.ptr(), value) != 0) throw_user_error(joining());
    } else if (mode == InsertMode::kLast) {
      PyList_SetItem(side.ptr(), 0, Py_NewRef(value));
    }
  }

  bool complete() const { return filled_ == count_; }

  // How many values a side has; one without any counts as one None.
  std::size_t values_of(std::size_t side) const {
    return several_ && sides()[side]
               ? static_cast<std::size_t>(PyList_GET_SIZE(sides()[side].ptr()))
               : 1;
  }
  // Borrowed. REQUIRES: index < values_of(side).
  PyObject* value_at(std::size_t side, std::size_t index) const {
    if (!sides()[side]) return Py_None;
    if (!several_) return sides()[side].ptr();
    return PyList_GET_ITEM(sides()[side].ptr(), static_cast<Py_ssize_t>(index));
  }

  // As lists: what is stored.
  py::object as_lists() const {
    py::object lists = made(joining, PyList_New(static_cast<Py_ssize_t>(count())));
    for (std::size_t side = 0; side < count(); ++side) {
      const std::size_t size = sides()[side] ? values_of(side) : 0;
      PyObject* list = made(joining, PyList_New(static_cast<Py_ssize_t>(size))).release().ptr();
      PyList_SET_ITEM(lists.ptr(), static_cast<Py_ssize_t>(side), list);
      for (std::size_t i = 0; i < size; ++i) {
        PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), Py_NewRef(value_at(side, i)));
      }
    }
    return lists;
  }

 private:
  static constexpr std::size_t kFew = 2;

  py::object* sides() { return more_ ? more_.get() : few_.data(); }
  const py::object* sides() const { return more_ ? more_.get() : few_.data(); }

  // Null: no value.
  std::array<py::object, kFew> few_;
  std::unique_ptr<py::object[]> more_;
  std::size_t count_ = 0;
  std::size_t filled_ = 0;
  bool several_ = false;
};

class Join final : public NativeKeyedLogic {
 public:
  struct State {
    Sides sides;
  };
  using Slot = NativeSlot<State>;

  explicit Join(const KeyedSetup& setup)
      : side_count_(py::cast<std::size_t>(attribute_of(setup.builder.ptr(), "side_count"))),
        insert_(insert_mode_of(setup.builder)),
        emit_(emit_mode_of(setup.builder)) {}

  Keep on_value(Slot& slot, PyObject* value, KeyedOut& out) {
    Sides& sides = slot.state.sides;
    if (!sides.begun()) sides.begin(side_count_, insert_ == InsertMode::kProduct);
    sides.insert(side_of(slot, value), PyTuple_GET_ITEM(value, 1), insert_);
    if (emit_ == EmitMode::kFinal) return Keep::kYes;
    if (emit_ == EmitMode::kComplete && !sides.complete()) return Keep::kYes;
    emit_rows(slot, out);
    return emit_ == EmitMode::kComplete ? Keep::kNo : Keep::kYes;
  }

  Keep on_eof(Slot& slot, KeyedOut& out) {
    if (emit_ != EmitMode::kFinal) return Keep::kYes;
    emit_rows(slot, out);
    return Keep::kNo;
  }

  py::object snapshot(const Slot& slot) const { return slot.state.sides.as_lists(); }

  void restore(Slot& slot, const py::object& state) const {
    const auto lists = py::cast<py::list>(state);
    bool several = insert_ == InsertMode::kProduct;
    for (const py::handle list : lists) several |= py::len(list) > 1;
    Sides& sides = slot.state.sides;
    sides.begin(lists.size(), several);
    for (std::size_t side = 0; side < lists.size(); ++side) {
      for (const py::handle value : lists[side]) {
        sides.insert(side, value.ptr(), several ? InsertMode::kProduct : InsertMode::kFirst);
      }
    }
  }

 private:
  // Which side a value is of: join itself has put that in front of it.
  std::size_t side_of(const Slot& slot, PyObject* value) const {
    const Calling doing{"on_batch", slot};
    const bool labelled = PyTuple_CheckExact(value) && PyTuple_GET_SIZE(value) == 2;
    const std::size_t side =
        labelled ? PyLong_AsSize_t(PyTuple_GET_ITEM(value, 0)) : static_cast<std::size_t>(-1);
    if (side < slot.state.sides.count()) [[likely]]
      return side;
    PyErr_SetString(PyExc_IndexError, "list index out of range");
    throw_user_error(doing());
  }

  static void emit_rows(const Slot& slot, KeyedOut& out) {
    each_row(slot.state.sides, joining,
             [&](py::object row) { out.emit(slot, row.release().ptr()); });
  }

  std::size_t side_count_;
  InsertMode insert_;
  EmitMode emit_;
};

}  // namespace

std::unique_ptr<operators::KeyedBody> make_join(const KeyedSetup& setup) {
  return std::make_unique<NativeKeyedBody<Join>>(setup);
}

}  // namespace cppwax::bindings::native
