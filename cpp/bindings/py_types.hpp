// The Python objects that all logic of a run needs: classes to check against, names of methods to
// call, the datetime interface. Looked up once a run, not kept in statics: nothing of it survives
// the run, or the interpreter.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "bindings/py_error.hpp"
#include "engine/base/clock.hpp"
#include "engine/base/ids.hpp"

namespace cppwax::bindings {

namespace py = pybind11;

// Made and destroyed with the interpreter held; immutable.
struct PyTypes {
  // Errors: pybind11::error_already_set.
  PyTypes();

  py::object abort_execution;
  py::object stateful_source_partition;
  py::object stateless_source_partition;
  py::object stateful_sink_partition;
  py::object stateless_sink_partition;
  py::object transactional_sink_partition;
  py::object stateful_batch_logic;
  py::object sequence;  // collections.abc.Sequence

  py::object build;
  py::object build_part;
  py::object close;
  py::object committed;
  py::object end_epoch;
  py::object list_parts;
  py::object next_awake;
  py::object next_batch;
  py::object notify_at;
  py::object on_batch;
  py::object on_eof;
  py::object on_notify;
  py::object part_fn;
  py::object prepare;
  py::object utcoffset;
  py::object write_batch;

  // All of these live as long as the interpreter.
  PyTypeObject* datetime;
  PyTypeObject* timedelta;
  PyObject* utc;             // datetime.timezone.utc
  const void* datetime_api;  // its C interface

  // Whether the value is a list, a tuple, a range or another sequence, but no str.
  // Errors: UserCodeError, from a class with an `__instancecheck__` of its own.
  bool is_sequence(PyObject* value) const;
};

// The fields of a datetime as if they were in UTC, and the span of a timedelta: exact for all that
// Python has. REQUIRES: of just that class, or derived from it.
WallTime time_of_fields(PyObject* value);
Duration duration_of_fields(PyObject* delta);

// The time a datetime with a timezone stands for, exactly; nullopt if it is no such datetime, with
// the reason in `why`. Errors: UserCodeError if a timezone of the user raises.
std::optional<WallTime> wall_time_of(const PyTypes& types, PyObject* value, std::string& why);

// The time that a callback of the user's, such as `next_awake`, has answered with; nullopt for
// None. `doing` as for call_result. Errors: UserCodeError for what is neither, too.
template <class Doing>
std::optional<WallTime> asked_time(const PyTypes& types, const py::object& answer, Doing&& doing,
                                   const StepId& step, const char* callback) {
  if (answer.is_none()) return std::nullopt;
  std::string why;
  const auto time = wall_time_of(types, answer.ptr(), why);
  if (!time) {
    throw_type_error(doing(), "step '" + step + "': the result of `" + callback +
                                  "` must be a `datetime` with a timezone, or None; " + why);
  }
  return time;
}

// The time as a datetime in UTC. REQUIRES: within the years that Python has.
py::object datetime_of(const PyTypes& types, WallTime time);
// A time later by a timedelta (exactly that class, or one derived from it); nullopt if it is
// outside the years that Python has.
std::optional<WallTime> later_by(WallTime time, PyObject* delta);

// Text from and to Python's str, lone surrogates included (encoded as they are). Not by
// PyUnicode_AsUTF8AndSize, which leaves the text in the str: before 3.13.2 a thread may see there
// what another one has half written, where no lock keeps them apart (python/cpython#128013).
void append_utf8(std::string& to, PyObject* str);
std::string utf8_of(PyObject* str);
py::object str_of(const std::string& utf8);

}  // namespace cppwax::bindings
