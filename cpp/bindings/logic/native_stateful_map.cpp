// Native forms of stateful_map and stateful_flat_map. The state is the user's: null, as None,
// before the first value; None is what a mapper gives to forget the key.
#include <memory>
#include <utility>

#include "bindings/logic/native_keyed_body.hpp"
#include "bindings/logic/native_results.hpp"
#include "bindings/logic/native_state.hpp"

namespace cppwax::bindings::native {

namespace {

struct MapperState {
  py::object value;
};

class MapperLogic : public NativeKeyedLogic {
 public:
  using State = MapperState;
  using Slot = NativeSlot<State>;

  static constexpr bool kHearsOfEof = false;
  Keep on_eof(Slot&, KeyedOut&) { return Keep::kYes; }

  py::object snapshot(const Slot& slot) const {
    return slot.state.value ? slot.state.value : py::none();
  }
  py::object copy_to_store(const Slot& slot, const py::object& state) {
    return copies_.deep_copy(Snapshotting{slot}, state);
  }
  void restore(Slot& slot, py::object state) { keep(slot, std::move(state)); }

 protected:
  // `wanted`: the parts of the mapper's results, named.
  MapperLogic(const KeyedSetup& setup, const char* wanted)
      : step_id_(attribute_of(setup.builder.ptr(), "step_id")),
        mapper_(callable_of(setup.builder.ptr(), "mapper")),
        wanted_(wanted) {}

  TwoParts mapped(const Calling& doing, const Slot& slot, PyObject* value) const {
    PyObject* const state = slot.state.value ? slot.state.value.ptr() : Py_None;
    const py::object result = call_user(doing, mapper_.ptr(), state, value);
    return unpacked(doing, result, [&] { refuse(doing, result); });
  }

  static Keep keep(Slot& slot, py::object state) {
    if (state.is_none()) {
      slot.state.value = py::object();
      return Keep::kNo;
    }
    slot.state.value = std::move(state);
    return Keep::kYes;
  }

  void refuse_emitted(const Calling& doing, const py::object& emitted) const {
    const py::str name("mapper");
    call_user(doing, check_named("check_iterable").ptr(), step_id_.ptr(), name.ptr(), mapper_.ptr(),
              emitted.ptr());
  }

 private:
  void refuse(const Calling& doing, const py::object& result) const {
    const py::str name("mapper");
    call_user(doing, check_named("raise_not_pair").ptr(), step_id_.ptr(), name.ptr(), mapper_.ptr(),
              wanted_.ptr(), result.ptr());
  }

  py::object step_id_;
  py::object mapper_;
  py::str wanted_;
  StateCopies copies_;
};

class StatefulMap final : public MapperLogic {
 public:
  explicit StatefulMap(const KeyedSetup& setup)
      : MapperLogic(setup, "(updated_state, emit_value)") {}

  Keep on_value(Slot& slot, PyObject* value, KeyedOut& out) {
    TwoParts parts = mapped(Calling{"on_batch", slot}, slot, value);
    out.emit(slot, parts.second.release().ptr());
    return keep(slot, std::move(parts.first));
  }
};

class StatefulFlatMap final : public MapperLogic {
 public:
  explicit StatefulFlatMap(const KeyedSetup& setup)
      : MapperLogic(setup, "(updated_state, emit_values)") {}

  Keep on_value(Slot& slot, PyObject* value, KeyedOut& out) {
    const Calling doing{"on_batch", slot};
    TwoParts parts = mapped(doing, slot, value);
    emit_all(doing, parts.second.ptr(), out, [&] { refuse_emitted(doing, parts.second); });
    return keep(slot, std::move(parts.first));
  }
};

}  // namespace

std::unique_ptr<operators::KeyedBody> make_stateful_map(const KeyedSetup& setup) {
  return std::make_unique<NativeKeyedBody<StatefulMap>>(setup);
}
std::unique_ptr<operators::KeyedBody> make_stateful_flat_map(const KeyedSetup& setup) {
  return std::make_unique<NativeKeyedBody<StatefulFlatMap>>(setup);
}

}  // namespace cppwax::bindings::native
