// Native forms of what reduce_final is made of: reducing each batch before its items go to the
// workers of their keys, and the last reduction there.
#include <memory>
#include <utility>

#include "bindings/logic/native_keyed_body.hpp"
#include "bindings/logic/native_reduce.hpp"
#include "bindings/logic/native_reducer.hpp"
#include "bindings/logic/native_state.hpp"

namespace cppwax::bindings::native {

namespace {

// A reduced value; None is none. A sum of ints is one in C++ as long as it fits.
class Reduced {
 public:
  void set(py::object value) {
    is_sum_ = false;
    value_ = std::move(value);
  }
  // Null: None.
  py::object take() const {
    if (is_sum_) return made([] { return "adding up"; }, PyLong_FromLongLong(sum_));
    return value_ ? value_ : py::none();
  }

  template <class Doing>
  void add(Doing&& doing, const Reducer& reducer, PyObject* value) {
    if (reducer.adds() && add_int(value)) return;
    const py::object before = take();
    set(before.is_none() ? py::reinterpret_borrow<py::object>(value)
                         : reducer(doing, before.ptr(), value));
  }

 private:
  bool add_int(PyObject* value) {
    long long number = 0;
    const bool has_none = !is_sum_ && (!value_ || value_.is_none());
    if (!(is_sum_ || has_none) || !small_int(value, number)) return false;
    long long sum = 0;
    if (has_none) {
      sum = number;
    } else if (__builtin_add_overflow(sum_, number, &sum)) {
      return false;
    }
    value_ = py::object();
    is_sum_ = true;
    sum_ = sum;
    return true;
  }

  py::object value_;
  long long sum_ = 0;
  bool is_sum_ = false;
};

class ReduceFinal final : public NativeKeyedLogic {
 public:
  struct State {
    Reduced reduced;
  };
  using Slot = NativeSlot<State>;

  explicit ReduceFinal(const KeyedSetup& setup)
      : reducer_(callable_of(attribute_of(setup.builder.ptr(), "folder").ptr(), "reducer")) {}

  Keep on_value(Slot& slot, PyObject* value, KeyedOut&) {
    slot.state.reduced.add(Calling{"on_batch", slot}, reducer_, value);
    return Keep::kYes;
  }
  Keep on_eof(Slot& slot, KeyedOut& out) {
    out.emit(slot, slot.state.reduced.take().release().ptr());
    return Keep::kNo;
  }

  py::object snapshot(const Slot& slot) const { return slot.state.reduced.take(); }
  py::object copy_to_store(const Slot& slot, const py::object& state) {
    return copies_.deep_copy(Snapshotting{slot}, state);
  }
  void restore(Slot& slot, py::object state) { slot.state.reduced.set(std::move(state)); }

 private:
  Reducer reducer_;
  StateCopies copies_;
};

}  // namespace

std::unique_ptr<operators::KeyedBody> make_reduce_final(const KeyedSetup& setup) {
  return std::make_unique<NativeKeyedBody<ReduceFinal>>(setup);
}

}  // namespace cppwax::bindings::native
