#include "bindings/logic/native_sink.hpp"

#include <exception>
#include <string>
#include <utility>

#include "bindings/logic/modules.hpp"
#include "bindings/logic/native.hpp"
#include "bindings/py_payload.hpp"

namespace cppwax::bindings {

namespace {

std::string writing(std::size_t count) {
  return "calling `write_batch` with " + count_of(count, "item");
}

// Appends to a list of the user.
class ListSink : public operators::SinkLogic {
 public:
  ListSink(py::object list, std::unique_ptr<operators::SinkLogic> python)
      : list_(std::move(list)), python_(std::move(python)) {}

  bool sees_batches() const override { return false; }

  void write(data::PayloadPtr batch) override {
    const std::size_t count = batch->size();
    const py::object items = as_py(*batch).to_list();
    // Behind the end, wherever that is by now: other workers and threads append too.
    constexpr Py_ssize_t kEnd = PY_SSIZE_T_MAX;
    if (PyList_SetSlice(list_.ptr(), kEnd, kEnd, items.ptr()) < 0) throw_user_error(writing(count));
  }

  void close() override { python_->close(); }

 private:
  py::object list_;
  std::unique_ptr<operators::SinkLogic> python_;
};

// Prints to the standard output of the moment.
class StdOutSink : public operators::SinkLogic {
 public:
  explicit StdOutSink(std::unique_ptr<operators::SinkLogic> python)
      : python_(std::move(python)), write_("write"), flush_("flush"), line_end_("\n") {}

  bool sees_batches() const override { return false; }

  void write(data::PayloadPtr batch) override {
    const auto doing = [count = batch->size()] { return writing(count); };
    const py::object out = sys_attribute("stdout");
    // Gone altogether: Python has the words.
    if (!out) return python_->write(std::move(batch));
    if (out.is_none()) return;
    const py::object lines = made(doing, PyList_New(0));
    const std::exception_ptr failure = add_lines(as_py(*batch), lines.ptr(), doing);
    if (PyList_GET_SIZE(lines.ptr()) > 0) print(lines.ptr(), out.ptr(), doing);
    if (failure) std::rethrow_exception(failure);
  }

  void close() override { python_->close(); }

 private:
  // Returns the failure of an item that cannot be shown; what comes before it is shown.
  template <class Doing>
  static std::exception_ptr add_lines(const PyPayload& batch, PyObject* lines, const Doing& doing) {
    try {
      for (PyObject* item : batch.items()) {
        const py::object line =
            call_result(surviving_exit([&] { return PyObject_Str(item); }), doing);
        if (PyList_Append(lines, line.ptr()) < 0) throw_user_error(doing());
      }
    } catch (const UserCodeError&) {
      return std::current_exception();
    }
    return nullptr;
  }

  // In one piece, so that lines of several workers do not mix.
  template <class Doing>
  void print(PyObject* lines, PyObject* out, const Doing& doing) {
    const py::str last("");
    if (PyList_Append(lines, last.ptr()) < 0) throw_user_error(doing());
    const py::object text = call_result(PyUnicode_Join(line_end_.ptr(), lines), doing);
    call_method(doing, out, write_, text.ptr());
    call_method(doing, out, flush_);
  }

  std::unique_ptr<operators::SinkLogic> python_;
  py::str write_;
  py::str flush_;
  py::str line_end_;
};

}  // namespace

std::unique_ptr<operators::SinkLogic> native_if_known(BuiltSink built) {
  if (is_exactly(built.sink, modules::kTesting, "TestingSink") &&
      is_exactly(built.part, modules::kTesting, "_ListSinkPartition")) {
    py::object list = attribute_of(built.part.ptr(), "_ls");
    if (PyList_CheckExact(list.ptr())) {
      return std::make_unique<ListSink>(std::move(list), std::move(built.logic));
    }
  }
  if (is_exactly(built.sink, modules::kStdio, "StdOutSink") &&
      is_exactly(built.part, modules::kStdio, "_PrintSinkPartition")) {
    return std::make_unique<StdOutSink>(std::move(built.logic));
  }
  return std::move(built.logic);
}

}  // namespace cppwax::bindings
