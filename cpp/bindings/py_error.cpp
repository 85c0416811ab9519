#include "bindings/py_error.hpp"

#include <pybind11/pybind11.h>

#include <memory>
#include <new>
#include <sstream>
#include <system_error>
#include <utility>

#include "bindings/forked_child.hpp"
#include "bindings/gil.hpp"
#include "bindings/py_store_error.hpp"
#include "engine/base/error.hpp"
#include "engine/worker/cluster_link.hpp"

namespace cppwax::bindings {

namespace py = pybind11;

namespace {

// A Python exception on its way through the engine. Copies share the one reference.
class PyFailure : public std::exception {
 public:
  PyFailure(PyObject* exception, Wrapped wrapped)
      : exception_(exception, &release), wrapped_(wrapped) {}

  const char* what() const noexcept override { return "an exception of user code"; }
  PyObject* exception() const { return exception_.get(); }
  Wrapped wrapped() const { return wrapped_; }

 private:
  // The last copy may go on a thread without the interpreter, or after the interpreter.
  static void release(PyObject* exception) {
    if (!interpreter_alive()) return;
    GilHeld held;
    Py_DECREF(exception);
  }

  std::shared_ptr<PyObject> exception_;
  Wrapped wrapped_;
};

// Takes over the reference.
[[noreturn]] void raise_exception(PyObject* exception) {
#if PY_VERSION_HEX >= 0x030C0000
  PyErr_SetRaisedException(exception);
#else
  PyErr_Restore(Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(exception))), exception,
                PyException_GetTraceback(exception));
#endif
  throw py::error_already_set();
}

py::object new_exception(const char* class_name, const std::string& message) {
  return py::module_::import("cppwax.errors").attr(class_name)(message);
}

[[noreturn]] void raise_with_cause(const char* class_name, const std::string& message,
                                   py::object cause) {
  py::object error = new_exception(class_name, message);
  if (cause) PyException_SetCause(error.ptr(), cause.release().ptr());
  raise_exception(error.release().ptr());
}

// "step 'flow.map' failed in epoch 3 on worker 0 of process 0", as far as it is known.
std::string place_of(const ErrorContext& context) {
  std::ostringstream text;
  if (context.step.empty()) {
    text << "the run failed";
  } else {
    text << "step '" << context.step << "' failed";
  }
  if (context.epoch) text << " in epoch " << *context.epoch;
  if (context.worker) text << " on worker " << *context.worker;
  if (context.process) text << (context.worker ? " of" : " on") << " process " << *context.process;
  return std::move(text).str();
}

// ": ValueError", or nothing where that is not known.
std::string root_type_of(const std::exception_ptr& cause) {
  try {
    if (cause) std::rethrow_exception(cause);
  } catch (const PyFailure& failure) {
    return std::string(": ") + Py_TYPE(failure.exception())->tp_name;
  } catch (const std::exception& native) {
    return std::string(": ") + native.what();
  }
  return "";
}

[[noreturn]] void raise_user_error(const UserCodeError& error) {
  const std::string message = place_of(error.context) + " while " + error.doing;
  try {
    if (error.cause) std::rethrow_exception(error.cause);
  } catch (const PyFailure& failure) {
    if (failure.wrapped() == Wrapped::kNo) raise_exception(Py_NewRef(failure.exception()));
    raise_with_cause("CppwaxRuntimeError", message,
                     py::reinterpret_borrow<py::object>(failure.exception()));
  } catch (const std::exception& native) {
    raise_with_cause("CppwaxRuntimeError", message + ": " + native.what(), {});
  }
  raise_with_cause("CppwaxRuntimeError", message, {});
}

// What another process has told: its words, and under them its traceback.
[[noreturn]] void raise_remote(const worker::RemoteFailure& remote) {
  const transport::Failure& told = remote.outcome.first;
  std::string message = told.message;
  if (remote.outcome.others > 0) {
    message += " (and " + std::to_string(remote.outcome.others) + " more processes failed)";
  }
  std::ostringstream cause;
  cause << "on process " << told.process << ":\n" << told.traceback;
  py::object remote_error = new_exception("RemoteError", std::move(cause).str());
  raise_with_cause("CppwaxRuntimeError", message, std::move(remote_error));
}

[[noreturn]] void raise_bug(const std::string& what, const ErrorContext& context) {
  raise_with_cause("CppwaxRuntimeError",
                   place_of(context) +
                       " because of a bug in cppwax itself; please report it with " +
                       "this text and, if you can, the dataflow: " + what,
                   {});
}

}  // namespace

PyObject* fetch_exception() {
#if PY_VERSION_HEX >= 0x030C0000
  return PyErr_GetRaisedException();
#else
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return value;
#endif
}

std::exception_ptr take_python_error(Wrapped wrapped) {
  end_if_forked_child();
  return std::make_exception_ptr(PyFailure(fetch_exception(), wrapped));
}

void throw_user_error(std::string doing) {
  throw UserCodeError(std::move(doing), take_python_error(Wrapped::kYes));
}

void throw_type_error(std::string doing, const std::string& message, Wrapped wrapped) {
  PyErr_SetString(PyExc_TypeError, message.c_str());
  throw UserCodeError(std::move(doing), take_python_error(wrapped));
}

void raise_to_python(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const UserCodeError& user) {
    raise_user_error(user);
  } catch (const ConfigError& config) {
    raise_with_cause("CppwaxRuntimeError", std::string("the dataflow cannot run: ") + config.what(),
                     py::reinterpret_steal<py::object>(
                         PyObject_CallFunction(PyExc_ValueError, "s", config.what())));
  } catch (const worker::RemoteFailure& remote) {
    raise_remote(remote);
  } catch (const TransportError& transport) {
    raise_with_cause("ClusterError", transport.what(), {});
  } catch (const recovery::StoreError& store) {
    raise_store_error(store);
  } catch (const RecoveryError& recovery) {
    raise_with_cause("RecoveryError", recovery.what(), {});
  } catch (const InvariantError& bug) {
    raise_bug(bug.what(), bug.context);
  } catch (const Error& other) {
    raise_with_cause("CppwaxRuntimeError", place_of(other.context) + ": " + other.what(), {});
  } catch (const py::error_already_set&) {
    throw;
  } catch (const py::builtin_exception&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::system_error& system) {
    raise_with_cause("CppwaxRuntimeError", std::string("the run failed: ") + system.what(), {});
  } catch (const std::exception& unknown) {
    raise_bug(unknown.what(), {});
  }
}

py::object exception_of(const std::exception_ptr& error) {
  try {
    raise_to_python(error);
  } catch (py::error_already_set& raised) {
    return raised.value();
  }
}

std::string summary_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const UserCodeError& user) {
    return place_of(user.context) + " while " + user.doing + root_type_of(user.cause);
  } catch (const py::error_already_set& raised) {
    // What it says of itself asks the exception.
    const auto* type = reinterpret_cast<const PyTypeObject*>(raised.type().ptr());
    return std::string("the run failed: ") + type->tp_name;
  } catch (const std::exception& other) {
    return other.what();
  }
}

}  // namespace cppwax::bindings
