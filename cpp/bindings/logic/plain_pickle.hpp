// Pickles of plain values, made without Python's pickler: it costs several times as much as all
// else that storing a small state needs.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>

namespace cppwax::bindings {

// A pickle (protocol 5) of None, a bool, an int of 64 bits, a float, a short str or bytes, or a
// short tuple of these, or a short list or dict of all these, all of exactly these types; nullopt
// for any other value. What `pickle.loads` makes of it is as what it would make of one by
// `pickle.dumps`. Runs no user code. REQUIRES: the interpreter is held.
std::optional<std::string> plain_pickle(PyObject* value);

}  // namespace cppwax::bindings
