// What window steps keep for each window, and what becomes of it: native forms of the WindowLogic
// objects that cppwax's own steps make, and any others through Python. A content is a Python object
// throughout: the state of a fold, the sides of a join, a WindowLogic.
#pragma once

#include <memory>

#include "bindings/logic/window_call.hpp"
#include "bindings/logic/window_events.hpp"
#include "bindings/py_step.hpp"

namespace cppwax::bindings::windows {

// What a window emits goes out under its id.
class Emitted {
 public:
  Emitted(Events& events, WindowId id) : events_(events), id_(id) {}
  void add(py::object value) { events_.emitted(id_, std::move(value)); }

 private:
  Events& events_;
  WindowId id_;
};

// One a step and worker. Errors of all: UserCodeError, with the words of `call`.
class Contents {
 public:
  virtual ~Contents() = default;

  // Of a new window.
  virtual py::object make(const Call& call) = 0;
  // Of a window from a snapshot.
  virtual py::object resume(const Call& call, const py::object& state) = 0;
  virtual void value(const Call& call, py::object& content, PyObject* value, Emitted out) = 0;
  virtual void merge(const Call& call, py::object from, py::object& into, Emitted out) = 0;
  virtual void close(const Call& call, py::object content, Emitted out) = 0;
  // What an open window amounts to so far.
  virtual void early(const Call& call, const py::object& content, Emitted out) = 0;
  // To be pickled before anything else happens to the window.
  virtual py::object snapshot(const SnapshotCall& call, const py::object& content) = 0;
};

// By the exact type of the builder that a window step was given.
std::unique_ptr<Contents> make_contents(const PyStep& step, const py::object& builder);

// Makers for it, each for the builder of its name.
std::unique_ptr<Contents> make_fold_contents(const py::object& builder);
std::unique_ptr<Contents> make_join_contents(const py::object& builder);

}  // namespace cppwax::bindings::windows
