#include "bindings/py_call.hpp"

namespace cppwax::bindings {

namespace {

constexpr Py_ssize_t kShownLength = 80;

std::string text_of(PyObject* str) {
  Py_ssize_t length = 0;
  const char* text = str == nullptr ? nullptr : PyUnicode_AsUTF8AndSize(str, &length);
  if (text == nullptr) {
    PyErr_Clear();
    return "?";
  }
  return std::string(text, static_cast<std::size_t>(length));
}

#ifdef Py_GIL_DISABLED
py::object copy_of_function(const py::object& function) {
  py::object copy = py::type::of(function)(function.attr("__code__"), function.attr("__globals__"),
                                           function.attr("__name__"), function.attr("__defaults__"),
                                           function.attr("__closure__"));
  for (const char* name : {"__kwdefaults__", "__qualname__", "__module__", "__doc__", "__dict__"}) {
    copy.attr(name) = function.attr(name);
  }
  return copy;
}
#endif

}  // namespace

py::object interned(const char* text) {
  auto str = py::reinterpret_steal<py::object>(PyUnicode_InternFromString(text));
  if (!str) throw py::error_already_set();
  return str;
}

py::object sys_attribute(const char* name) {
  // Not by an import, which may run user code.
  const auto module = py::reinterpret_borrow<py::object>(PyImport_AddModule("sys"));
  PyObject* value = module ? PyObject_GetAttr(module.ptr(), interned(name).ptr()) : nullptr;
  if (value == nullptr) PyErr_Clear();
  return py::reinterpret_steal<py::object>(value);
}

py::object attribute_of(PyObject* self, const char* name) {
  const auto doing = [&] { return std::string("looking up `") + name + "`"; };
  // Interned, since Python's cache of look-ups keeps every other str that it sees.
  const py::object key = call_result(PyUnicode_InternFromString(name), doing);
  return call_result(surviving_exit([&] { return PyObject_GetAttr(self, key.ptr()); }), doing);
}

py::object callable_of(PyObject* self, const char* name) {
  py::object callable = attribute_of(self, name);
#ifdef Py_GIL_DISABLED
  // Other functions have their references counted in another way.
  const auto is_nested = [](const py::object& code) {
    return (reinterpret_cast<PyCodeObject*>(code.ptr())->co_flags & CO_NESTED) != 0;
  };
  if (PyFunction_Check(callable.ptr()) && is_nested(callable.attr("__code__"))) {
    return copy_of_function(callable);
  }
#endif
  return callable;
}

std::string shown(PyObject* value) {
  auto text = py::reinterpret_steal<py::object>(PyObject_ASCII(value));
  if (text && PyUnicode_GET_LENGTH(text.ptr()) > kShownLength) {
    auto front =
        py::reinterpret_steal<py::object>(PyUnicode_Substring(text.ptr(), 0, kShownLength));
    return text_of(front.ptr()) + "…";
  }
  return text_of(text.ptr());
}

std::string type_name(PyObject* value) {
  auto* type = reinterpret_cast<PyObject*>(Py_TYPE(value));
  auto name = py::reinterpret_steal<py::object>(PyObject_GetAttrString(type, "__qualname__"));
  auto module = py::reinterpret_steal<py::object>(PyObject_GetAttrString(type, "__module__"));
  PyErr_Clear();
  if (!name || !PyUnicode_Check(name.ptr())) return Py_TYPE(value)->tp_name;
  if (!module || !PyUnicode_Check(module.ptr())) return text_of(name.ptr());
  const std::string where = text_of(module.ptr());
  const bool plain = where == "builtins" || where == "__main__";
  return plain ? text_of(name.ptr()) : where + "." + text_of(name.ptr());
}

std::string count_of(std::size_t count, const char* thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace cppwax::bindings
