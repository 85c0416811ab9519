// States of user logic as bytes: one pickle each, so that a state that cannot be read again can be
// named, and a store never needs Python to move one.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "bindings/py_call.hpp"

namespace cppwax::bindings {

// Made and destroyed with the interpreter held. Used only with recovery on: without it nothing is
// ever pickled.
class StateCodec {
 public:
  // Errors: pybind11::error_already_set.
  StateCodec();

  // Calls `snapshot` of a logic or a partition. `whose` completes messages: " of partition 'a'".
  // Errors of all: UserCodeError.
  std::string snapshot_of(const py::object& logic, const std::string& whose) const;
  // Of a state that is at hand already.
  std::string stored_form_of(const py::object& state, const std::string& whose) const;
  py::object restore(const std::string& state, const std::string& whose) const;

 private:
  py::object dumps_;
  py::object loads_;
  py::object protocol_;
  py::object snapshot_;
};

}  // namespace cppwax::bindings
