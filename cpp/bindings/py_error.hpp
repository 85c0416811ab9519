// Translates failures, in both directions: Python's to the engine's UserCodeError while a flow runs,
// the engine's to Python's exceptions when `run` returns. The only place that does either.
#pragma once

#include <Python.h>

#include <exception>
#include <string>

namespace cppwax::bindings {

// Both: turn the present Python error into a UserCodeError and clear it. `doing` completes "while …",
// e.g. "calling `on_batch` for key 'a'".
// REQUIRES: the interpreter is held, a Python error is set.
[[noreturn]] void throw_user_error(std::string doing);
// The same for an error that reaches the caller of `run` as it is, without a CppwaxRuntimeError
// around it: its message has to name the step itself.
[[noreturn]] void throw_bare_error(std::string doing);

// Sets `type(message)` as the present Python error, as if user code had raised it, and throws it.
[[noreturn]] void throw_user_type_error(std::string doing, const std::string& message);
[[noreturn]] void throw_bare_type_error(const std::string& message);

// The user's exception inside the cause of a UserCodeError; a new reference, null if `cause` is none
// of ours. REQUIRES: the interpreter is held.
PyObject* user_exception(const std::exception_ptr& cause);

// Throws the Python exception (as pybind11::error_already_set) for a failure of a run:
// - UserCodeError: CppwaxRuntimeError from the user's exception; a bare one comes out as itself
// - ConfigError: CppwaxRuntimeError from a ValueError
// - InvariantError, and what is unknown: CppwaxRuntimeError that asks for a report
// - what pybind11 translates itself (its own errors, bad_alloc) is thrown as it is.
// REQUIRES: the interpreter is held.
[[noreturn]] void raise_to_python(const std::exception_ptr& error);

}  // namespace cppwax::bindings
