// Translates failures, in both directions: Python's to the engine's UserCodeError while a flow
// runs, the engine's to Python's exceptions when `run` returns. The only place that does either.
#pragma once

#include <pybind11/pybind11.h>

#include <exception>
#include <string>

namespace cppwax::bindings {

// Whether an error of user code reaches the caller of `run` inside a CppwaxRuntimeError, or bare; a
// bare one has to name its step itself.
enum class Wrapped { kYes, kNo };

// The present Python error as a new reference; it is cleared. REQUIRES: the interpreter is held, a
// Python error is set.
PyObject* fetch_exception();

// Takes the present Python error and clears it: what a UserCodeError has as its cause.
// It may be dropped on any thread. REQUIRES: the interpreter is held, a Python error is set.
std::exception_ptr take_python_error(Wrapped wrapped);

// Throws a UserCodeError for the present Python error. `doing` completes "failed while …", e.g.
// "calling `on_batch` for key 'a'". REQUIRES: as above.
[[noreturn]] void throw_user_error(std::string doing);

// Throws a UserCodeError for a TypeError of ours: what user code returned or sent is of no use.
// REQUIRES: the interpreter is held.
[[noreturn]] void throw_type_error(std::string doing, const std::string& message,
                                   Wrapped wrapped = Wrapped::kYes);

// Throws the Python exception (as pybind11::error_already_set) for a failure of a run:
// - UserCodeError: CppwaxRuntimeError from the user's exception; a bare one comes out as itself
// - ConfigError: CppwaxRuntimeError from a ValueError
// - what the system refuses, such as a descriptor: CppwaxRuntimeError
// - InvariantError, and what is unknown: CppwaxRuntimeError that asks for a report
// - what pybind11 translates itself (its own errors, bad_alloc) is thrown as it is.
// REQUIRES: the interpreter is held.
[[noreturn]] void raise_to_python(const std::exception_ptr& error);

// What `raise_to_python` would throw. REQUIRES: as above.
pybind11::object exception_of(const std::exception_ptr& error);

// In one line and without running Python code: what failed, and the type of the exception that
// made it fail. Any thread.
std::string summary_of(const std::exception_ptr& error);

}  // namespace cppwax::bindings
