// How two values of a key become one: by the user's callable, or natively where that is a function
// of Python's own and it makes no difference that can be seen.
#pragma once

#include "bindings/py_call.hpp"

namespace cppwax::bindings::native {

// Immutable; used with the interpreter held.
class Reducer {
 public:
  explicit Reducer(py::object reducer);

  // Whether it is `operator.add`: sums of ints may be formed in any order then.
  bool adds() const { return kind_ == Kind::kAdd; }

  // Both are borrowed. Errors: UserCodeError.
  template <class Doing>
  py::object operator()(Doing&& doing, PyObject* reduced, PyObject* value) const {
    switch (kind_) {
      case Kind::kCall:
        break;
      case Kind::kAdd:
        return call_result(surviving_exit([&] { return PyNumber_Add(reduced, value); }), doing);
      case Kind::kMax:
        return greatest(doing, reduced, value, Py_GT);
      case Kind::kMin:
        return greatest(doing, reduced, value, Py_LT);
    }
    return call_user(doing, reducer_.ptr(), reduced, value);
  }

 private:
  enum class Kind { kCall, kAdd, kMax, kMin };

  // As `max` and `min` compare: what was there first stays unless the new one is beyond it.
  template <class Doing>
  static py::object greatest(Doing&& doing, PyObject* reduced, PyObject* value, int beyond) {
    const int is = surviving_exit([&] { return PyObject_RichCompareBool(value, reduced, beyond); });
    return call_result(is < 0 ? nullptr : Py_NewRef(is > 0 ? value : reduced), doing);
  }

  py::object reducer_;
  Kind kind_ = Kind::kCall;
};

// Whether the value is an int, of no subclass, that fits; it is put into `number` then.
inline bool small_int(PyObject* value, long long& number) {
  if (!PyLong_CheckExact(value)) return false;
  int overflow = 0;
  number = PyLong_AsLongLongAndOverflow(value, &overflow);
  return overflow == 0;
}

}  // namespace cppwax::bindings::native
