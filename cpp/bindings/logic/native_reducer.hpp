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
      case Kind::kMaxBy:
        return greatest_by(doing, reduced, value, Py_GT);
      case Kind::kMinBy:
        return greatest_by(doing, reduced, value, Py_LT);
    }
    return call_user(doing, reducer_.ptr(), reduced, value);
  }

 private:
  enum class Kind { kCall, kAdd, kMax, kMin, kMaxBy, kMinBy };

  // As `max` and `min` compare: what was there first stays unless the new one is beyond it.
  template <class Doing>
  static py::object greatest(Doing&& doing, PyObject* reduced, PyObject* value, int beyond) {
    const int is = surviving_exit([&] { return PyObject_RichCompareBool(value, reduced, beyond); });
    return call_result(is < 0 ? nullptr : Py_NewRef(is > 0 ? value : reduced), doing);
  }

  // The same by what `by_` makes of them, which is called for both, as they do.
  template <class Doing>
  py::object greatest_by(Doing&& doing, PyObject* reduced, PyObject* value, int beyond) const {
    const py::object by_reduced = call_user(doing, by_.ptr(), reduced);
    const py::object by_value = call_user(doing, by_.ptr(), value);
    const int is = surviving_exit(
        [&] { return PyObject_RichCompareBool(by_value.ptr(), by_reduced.ptr(), beyond); });
    return call_result(is < 0 ? nullptr : Py_NewRef(is > 0 ? value : reduced), doing);
  }

  void look_into_partial();

  py::object reducer_;
  py::object by_;  // of kMaxBy and kMinBy
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
