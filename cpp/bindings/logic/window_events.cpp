#include "bindings/logic/window_events.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include "bindings/logic/native_pair.hpp"

namespace cppwax::bindings::windows {

namespace {

std::string making_item() {
  return "making an item";
}

}  // namespace

void Events::add(WindowId id, const py::object& kind, py::object value) {
  const py::object event = made(making_item, PyTuple_New(3));
  PyTuple_SET_ITEM(event.ptr(), 0, made(making_item, PyLong_FromLongLong(id)).release().ptr());
  PyTuple_SET_ITEM(event.ptr(), 1, Py_NewRef(kind.ptr()));
  PyTuple_SET_ITEM(event.ptr(), 2, value.release().ptr());
  native::untrack_plain_tuple(event.ptr());
  out_.emit(slot_, Py_NewRef(event.ptr()));
}

MetadataMaker::MetadataMaker(const PyTypes& types, py::object grid)
    : times_(types),
      type_(py::module_::import("cppwax.operators.windowing").attr("WindowMetadata")),
      grid_(std::move(grid)),
      no_arguments_(py::tuple()),
      open_time_(interned("open_time")),
      close_time_(interned("close_time")),
      merged_ids_(interned("merged_ids")),
      of_grid_(interned("metadata")) {}

py::object MetadataMaker::make(const Call& call, WindowId id, const WindowBounds& bounds,
                               const std::vector<WindowId>& merged) {
  if (grid_)
    return call_method(call, grid_.ptr(), of_grid_, made(call, PyLong_FromLongLong(id)).ptr());
  // As its `__init__` does, which is Python.
  auto* type = reinterpret_cast<PyTypeObject*>(type_.ptr());
  py::object metadata =
      made(making_item, PyBaseObject_Type.tp_new(type, no_arguments_.ptr(), nullptr));
  const py::object ids = made(making_item, PySet_New(nullptr));
  for (const WindowId one : merged) {
    const py::object number = made(making_item, PyLong_FromLongLong(one));
    if (PySet_Add(ids.ptr(), number.ptr()) != 0) throw_user_error(making_item());
  }
  if (PyObject_SetAttr(metadata.ptr(), open_time_.ptr(), datetime_of(bounds.open).ptr()) != 0 ||
      PyObject_SetAttr(metadata.ptr(), close_time_.ptr(), datetime_of(bounds.close).ptr()) != 0 ||
      PyObject_SetAttr(metadata.ptr(), merged_ids_.ptr(), ids.ptr()) != 0) {
    throw_user_error(making_item());
  }
  return metadata;
}

const py::object& MetadataMaker::datetime_of(Micros when) {
  constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15;
  Known& known = known_[(static_cast<std::uint64_t>(when) * kSpread) >> 60];
  if (!known.datetime || known.when != when) known = {when, times_.datetime_of(when)};
  return known.datetime;
}

}  // namespace cppwax::bindings::windows
