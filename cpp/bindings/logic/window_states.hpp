// The states of window steps' keys as a store keeps them: WindowState of
// python/cppwax/operators/windowing/_driver.py, which either form can go on from.
#pragma once

#include <optional>
#include <vector>

#include "bindings/logic/window_call.hpp"
#include "bindings/logic/window_contents.hpp"
#include "bindings/logic/window_times.hpp"
#include "engine/windowing/early_results.hpp"
#include "engine/windowing/keyed_windows.hpp"
#include "engine/windowing/session_windows.hpp"
#include "engine/windowing/sliding_windows.hpp"

namespace cppwax::bindings::windows {

using SlidingContents = windowing::SlidingWindows<py::object>;
using SessionContents = windowing::SessionWindows<py::object>;
// Which ids a state lists; nullopt: it is no list of ids.
std::optional<std::vector<windowing::WindowId>> listed_ids(PyObject* list);

using WaitingObjects = windowing::WaitingValues<py::object>;

// The parts of a key's state; borrowed from it.
struct StateParts {
  PyObject* clock;
  PyObject* windower;
  PyObject* contents;  // dict
  PyObject* waiting;   // list
  PyObject* changed;   // list of the windows with early results to come; null: there is none

  // nullopt: it is no such state.
  static std::optional<StateParts> of(PyObject* state);
};

// Between windows and what a store keeps of them; one a step and worker.
class States {
 public:
  States(const PyTypes& types, Contents& contents) : times_(types), contents_(contents) {}

  // The windower's state.
  py::object windower(const Call& call, const SlidingContents& windows) const;
  py::object windower(const Call& call, const SessionContents& windows) const;
  // What is kept for each window, by id.
  py::object contents(const Call& call, const SlidingContents& windows) const;
  py::object contents(const Call& call, const SessionContents& windows) const;
  py::object waiting(const Call& call, const WaitingObjects& values) const;
  py::object changed(const Call& call, const windowing::EarlyResults& early) const;

  // The way back, into what is empty. False: it is no such state, and the object is of no use.
  bool resume(const Call& call, const StateParts& parts, SlidingContents& windows) const;
  bool resume(const Call& call, const StateParts& parts, SessionContents& windows) const;
  bool resume(const Call& call, PyObject* waiting, WaitingObjects& values) const;

 private:
  void put(const Call& call, const py::object& contents, WindowId id,
           const py::object& content) const;
  std::optional<SessionContents::Session> session_of(const Call& call, PyObject* state,
                                                     PyObject* contents) const;

  Times times_;
  Contents& contents_;
};

}  // namespace cppwax::bindings::windows
