#include "bindings/logic/window_states.hpp"

#include <algorithm>
#include <utility>

namespace cppwax::bindings::windows {

namespace {

using windowing::WindowId;

bool is_tuple_of(PyObject* value, Py_ssize_t size) {
  return PyTuple_CheckExact(value) && PyTuple_GET_SIZE(value) == size;
}

std::optional<WindowId> id_of(PyObject* number) {
  if (!PyLong_CheckExact(number)) return std::nullopt;
  int overflow = 0;
  const auto id = PyLong_AsLongLongAndOverflow(number, &overflow);
  if (overflow != 0) return std::nullopt;
  return id;
}

py::object number_of(const Call& call, WindowId id) {
  return made(call, PyLong_FromLongLong(id));
}

void append(const Call& call, const py::object& list, const py::object& item) {
  if (PyList_Append(list.ptr(), item.ptr()) != 0) throw_user_error(call());
}

// The ids in a set, sorted.
std::optional<std::vector<WindowId>> ids_of(PyObject* set) {
  if (!PySet_CheckExact(set)) return std::nullopt;
  std::vector<WindowId> ids;
  for (const py::handle number : py::reinterpret_borrow<py::set>(set)) {
    const auto id = id_of(number.ptr());
    if (!id) return std::nullopt;
    ids.push_back(*id);
  }
  std::ranges::sort(ids);
  return ids;
}

// What a state keeps for a window; null if there is nothing.
py::object content_of(const Call& call, PyObject* contents, PyObject* id) {
#if PY_VERSION_HEX >= 0x030D0000
  PyObject* content = nullptr;
  if (PyDict_GetItemRef(contents, id, &content) < 0) throw_user_error(call());
#else
  PyObject* content = Py_XNewRef(PyDict_GetItemWithError(contents, id));
  if (content == nullptr && PyErr_Occurred()) throw_user_error(call());
#endif
  return py::reinterpret_steal<py::object>(content);
}

}  // namespace

std::optional<StateParts> StateParts::of(PyObject* state) {
  // The fifth part is of steps that emit early results every so often.
  const bool has_changed = is_tuple_of(state, 5);
  if (!is_tuple_of(state, 4) && !has_changed) return std::nullopt;
  const StateParts parts{PyTuple_GET_ITEM(state, 0), PyTuple_GET_ITEM(state, 1),
                         PyTuple_GET_ITEM(state, 2), PyTuple_GET_ITEM(state, 3),
                         has_changed ? PyTuple_GET_ITEM(state, 4) : nullptr};
  if (!PyDict_CheckExact(parts.contents) || !PyList_CheckExact(parts.waiting)) return std::nullopt;
  return parts;
}

std::optional<std::vector<WindowId>> listed_ids(PyObject* list) {
  if (!PyList_CheckExact(list)) return std::nullopt;
  std::vector<WindowId> ids;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
    const auto id = id_of(PyList_GET_ITEM(list, i));
    if (!id) return std::nullopt;
    ids.push_back(*id);
  }
  return ids;
}

py::object States::windower(const Call& call, const SlidingContents& windows) const {
  py::object ids = made(call, PyList_New(0));
  for (const auto& [id, content] : windows.opened()) append(call, ids, number_of(call, id));
  return ids;
}

py::object States::windower(const Call& call, const SessionContents& windows) const {
  const py::object sessions = made(call, PyList_New(0));
  for (const SessionContents::Session* session : windows.opened()) {
    const py::object merged = made(call, PySet_New(nullptr));
    for (const WindowId id : session->merged) {
      if (PySet_Add(merged.ptr(), number_of(call, id).ptr()) != 0) throw_user_error(call());
    }
    append(call, sessions,
           made(call, PyTuple_Pack(4, number_of(call, session->id).ptr(),
                                   times_.datetime_of(session->first).ptr(),
                                   times_.datetime_of(session->last).ptr(), merged.ptr())));
  }
  const py::object merges = made(call, PyList_New(0));
  return made(call, PyTuple_Pack(3, number_of(call, windows.next_id()).ptr(), sessions.ptr(),
                                 merges.ptr()));
}

py::object States::contents(const Call& call, const SlidingContents& windows) const {
  py::object contents = made(call, PyDict_New());
  for (const auto& [id, content] : windows.opened()) put(call, contents, id, *content);
  return contents;
}

py::object States::contents(const Call& call, const SessionContents& windows) const {
  py::object contents = made(call, PyDict_New());
  for (const SessionContents::Session* session : windows.opened()) {
    put(call, contents, session->id, session->content);
  }
  return contents;
}

py::object States::waiting(const Call& call, const WaitingObjects& values) const {
  py::object waiting = made(call, PyList_New(0));
  for (const WaitingObjects::Waiting* value : values.in_order_of_arrival()) {
    append(call, waiting,
           made(call, PyTuple_Pack(2, value->value.ptr(), times_.datetime_of(value->when).ptr())));
  }
  return waiting;
}

py::object States::changed(const Call& call, const windowing::EarlyResults& early) const {
  py::object ids = made(call, PyList_New(0));
  for (const WindowId id : early.changed()) append(call, ids, number_of(call, id));
  return ids;
}

void States::put(const Call& call, const py::object& contents, WindowId id,
                 const py::object& content) const {
  const py::object state = contents_.snapshot({call.slot}, content);
  if (PyDict_SetItem(contents.ptr(), number_of(call, id).ptr(), state.ptr()) != 0) {
    throw_user_error(call());
  }
}

bool States::resume(const Call& call, const StateParts& parts, SlidingContents& windows) const {
  const bool none = parts.windower == Py_None;
  if (!none && !PyList_CheckExact(parts.windower)) return false;
  const Py_ssize_t count = none ? 0 : PyList_GET_SIZE(parts.windower);
  if (count != PyDict_GET_SIZE(parts.contents)) return false;
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* const number = PyList_GET_ITEM(parts.windower, i);
    const auto id = id_of(number);
    const py::object state = id ? content_of(call, parts.contents, number) : py::object();
    if (!state) return false;
    windows.reopen(*id, contents_.resume(call, state));
  }
  return true;
}

bool States::resume(const Call& call, const StateParts& parts, SessionContents& windows) const {
  if (parts.windower == Py_None) return PyDict_GET_SIZE(parts.contents) == 0;
  if (!is_tuple_of(parts.windower, 3)) return false;
  const auto next = id_of(PyTuple_GET_ITEM(parts.windower, 0));
  PyObject* const sessions = PyTuple_GET_ITEM(parts.windower, 1);
  PyObject* const merges = PyTuple_GET_ITEM(parts.windower, 2);
  if (!next || !PyList_CheckExact(sessions) || !PyList_CheckExact(merges)) return false;
  if (PyList_GET_SIZE(merges) != 0) return false;
  if (PyList_GET_SIZE(sessions) != PyDict_GET_SIZE(parts.contents)) return false;
  windows.resume_ids_from(*next);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(sessions); ++i) {
    auto session = session_of(call, PyList_GET_ITEM(sessions, i), parts.contents);
    if (!session) return false;
    windows.reopen(std::move(*session));
  }
  return true;
}

std::optional<SessionContents::Session> States::session_of(const Call& call, PyObject* state,
                                                           PyObject* contents) const {
  if (!is_tuple_of(state, 4)) return std::nullopt;
  PyObject* const number = PyTuple_GET_ITEM(state, 0);
  const auto id = id_of(number);
  const auto first = times_.micros_of(PyTuple_GET_ITEM(state, 1), call);
  const auto last = times_.micros_of(PyTuple_GET_ITEM(state, 2), call);
  auto merged = ids_of(PyTuple_GET_ITEM(state, 3));
  if (!id || !first || !last || !merged) return std::nullopt;
  const py::object content = content_of(call, contents, number);
  if (!content) return std::nullopt;
  return SessionContents::Session{*id, *first, *last, std::move(*merged),
                                  contents_.resume(call, content)};
}

bool States::resume(const Call& call, PyObject* waiting, WaitingObjects& values) const {
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(waiting); ++i) {
    PyObject* const pair = PyList_GET_ITEM(waiting, i);
    if (!is_tuple_of(pair, 2)) return false;
    const auto when = times_.micros_of(PyTuple_GET_ITEM(pair, 1), call);
    if (!when) return false;
    values.add(*when, py::reinterpret_borrow<py::object>(PyTuple_GET_ITEM(pair, 0)));
  }
  return true;
}

}  // namespace cppwax::bindings::windows
