// States of user logic as bytes: one pickle each, so that a state that cannot be read again can be
// named, and a store never needs Python to move one.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <utility>

#include "bindings/logic/plain_pickle.hpp"
#include "bindings/py_call.hpp"

namespace cppwax::bindings {

// Made and destroyed with the interpreter held. Used only with recovery on: without it nothing is
// ever pickled.
class StateCodec {
 public:
  // Errors: pybind11::error_already_set.
  StateCodec();

  // Calls `snapshot` of a logic or a partition. `whose()` completes messages, " of partition 'a'",
  // and is called for an error alone.
  // Errors of all: UserCodeError.
  template <class Whose>
  std::string snapshot_of(const py::object& logic, const Whose& whose) const {
    const auto doing = [&] { return "calling `snapshot`" + whose(); };
    return stored_form_of(call_method(doing, logic.ptr(), snapshot_), whose);
  }
  // Of a state that is at hand already.
  template <class Whose>
  std::string stored_form_of(const py::object& state, const Whose& whose) const {
    if (auto plain = plain_pickle(state.ptr())) return std::move(*plain);
    return pickled(state, whose);
  }
  // Of a copy of one, made by `copy(state)`; of a plain value no copy is made, for its own pickle
  // is the same.
  template <class Whose, class Copy>
  std::string stored_form_of(const py::object& state, const Whose& whose, const Copy& copy) const {
    if (auto plain = plain_pickle(state.ptr())) return std::move(*plain);
    return pickled(copy(state), whose);
  }
  template <class Whose>
  py::object restore(const std::string& state, const Whose& whose) const {
    const py::bytes bytes(state.data(), state.size());
    const auto doing = [&] { return "unpickling the stored state" + whose(); };
    return call_user(doing, loads_.ptr(), bytes.ptr());
  }

 private:
  template <class Whose>
  std::string pickled(const py::object& state, const Whose& whose) const {
    const auto doing = [&] { return "pickling the state" + whose(); };
    return bytes_of(call_user(doing, dumps_.ptr(), state.ptr(), protocol_.ptr()));
  }
  static std::string bytes_of(const py::object& bytes);

  py::object dumps_;
  py::object loads_;
  py::object protocol_;
  py::object snapshot_;
};

}  // namespace cppwax::bindings
