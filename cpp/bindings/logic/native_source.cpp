#include "bindings/logic/native_source.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "bindings/logic/modules.hpp"
#include "bindings/logic/native.hpp"
#include "bindings/logic/source.hpp"
#include "bindings/py_call.hpp"
#include "bindings/py_payload.hpp"

namespace cppwax::bindings {

namespace {

using operators::Polled;

std::string polling() {
  return "calling `next_batch` of partition 'iterable'";
}

// Takes plain items from the partition's iterator; what marks among them do is left to the
// partition itself. The partition's index is brought up to date before anything of it is called.
class TestingPart : public operators::SourcePart {
 public:
  TestingPart(const PyTypes& types, BuiltSource built, std::size_t batch_size)
      : types_(types),
        part_(std::move(built.part)),
        python_(std::move(built.logic)),
        batch_size_(batch_size),
        items_(attribute_of(part_.ptr(), "_it")),
        mark_(py::module_::import(modules::kTesting).attr("_Mark")),
        act_on_(py::str("_act_on")) {}

  Polled next_batch() override {
    if (at_end_) return {Polled::Kind::kEof, nullptr};
    if (raises_) return python_->next_batch();
    if (std::exchange(pauses_, false)) set("_next_awake", py::none());
    auto items = std::make_unique<PyPayload>();
    while (items->size() < batch_size_) {
      PyObject* item =
          surviving_exit([&] { return Py_TYPE(items_.ptr())->tp_iternext(items_.ptr()); });
      if (item == nullptr) {
        if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_StopIteration)) {
          return end_of_polls(types_, polling);
        }
        PyErr_Clear();
        at_end_ = true;
        break;
      }
      user_call_ended();
      if (is_mark(item)) [[unlikely]] {
        if (act_on(py::reinterpret_steal<py::object>(item))) break;
        continue;
      }
      items->push(item);
    }
    not_in_index_ += items->size();
    if (at_end_ && items->empty()) return {Polled::Kind::kEof, nullptr};
    return {Polled::Kind::kItems, std::move(items)};
  }

  std::optional<WallTime> next_awake() override {
    return pauses_ ? python_->next_awake() : std::nullopt;
  }

  std::string snapshot() override {
    update_index();
    return python_->snapshot();
  }

  void close() override {
    update_index();
    python_->close();
  }

 private:
  bool is_mark(PyObject* item) const {
    return PyObject_TypeCheck(item, reinterpret_cast<PyTypeObject*>(mark_.ptr()));
  }

  // Returns whether the batch ends here.
  bool act_on(const py::object& mark) {
    update_index();
    const py::object ends = call_method(polling, part_.ptr(), act_on_, mark.ptr());
    raises_ = !attribute_of(part_.ptr(), "_raise").is_none();
    pauses_ = !attribute_of(part_.ptr(), "_next_awake").is_none();
    return ends.ptr() == Py_True;
  }

  void update_index() {
    if (not_in_index_ == 0) return;
    const py::object index = attribute_of(part_.ptr(), "_index");
    const py::int_ more(std::exchange(not_in_index_, 0));
    set("_index", call_result(PyNumber_Add(index.ptr(), more.ptr()), polling));
  }

  void set(const char* name, const py::object& value) {
    if (PyObject_SetAttrString(part_.ptr(), name, value.ptr()) < 0) throw_user_error(polling());
  }

  const PyTypes& types_;
  py::object part_;
  std::unique_ptr<operators::SourcePart> python_;
  std::size_t batch_size_;
  py::object items_;  // the iterator
  py::object mark_;   // the class of what is no item
  py::object act_on_;
  std::size_t not_in_index_ = 0;
  bool at_end_ = false;
  bool raises_ = false;  // the partition's own next_batch tells how it ends
  bool pauses_ = false;
};

// How many items make a batch; nullopt where only Python can tell.
std::optional<std::size_t> batch_size_of(const py::object& part) {
  const py::object size = attribute_of(part.ptr(), "_batch_size");
  if (!PyLong_CheckExact(size.ptr())) return std::nullopt;
  const Py_ssize_t items = PyLong_AsSsize_t(size.ptr());
  if (items == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    return std::nullopt;
  }
  return static_cast<std::size_t>(std::max<Py_ssize_t>(items, 1));
}

}  // namespace

std::unique_ptr<operators::SourcePart> native_if_known(const PyTypes& types, BuiltSource built) {
  if (is_exactly(built.source, modules::kTesting, "TestingSource") &&
      is_exactly(built.part, modules::kTesting, "_IterSourcePartition")) {
    if (const auto batch_size = batch_size_of(built.part)) {
      return std::make_unique<TestingPart>(types, std::move(built), *batch_size);
    }
  }
  return std::move(built.logic);
}

}  // namespace cppwax::bindings
