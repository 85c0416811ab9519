// Native form of fold_final.
#include <memory>
#include <utility>

#include "bindings/logic/modules.hpp"
#include "bindings/logic/native.hpp"
#include "bindings/logic/native_keyed_body.hpp"
#include "bindings/logic/native_reduce.hpp"
#include "bindings/logic/native_state.hpp"

namespace cppwax::bindings::native {

namespace {

class FoldFinal : public NativeKeyedLogic {
 public:
  struct State {
    py::object folded;  // null before the first value
  };
  using Slot = NativeSlot<State>;

  explicit FoldFinal(const KeyedSetup& setup)
      : builder_(callable_of(setup.builder.ptr(), "builder")),
        folder_(callable_of(setup.builder.ptr(), "folder")) {}

  Keep on_value(Slot& slot, PyObject* value, KeyedOut&) {
    if (!slot.state.folded) build(slot);
    slot.state.folded =
        call_user(Calling{"on_batch", slot}, folder_.ptr(), slot.state.folded.ptr(), value);
    return Keep::kYes;
  }

  Keep on_eof(Slot& slot, KeyedOut& out) {
    out.emit(slot, slot.state.folded.release().ptr());
    return Keep::kNo;
  }

  py::object snapshot(const Slot& slot) const { return slot.state.folded; }
  py::object copy_to_store(const Slot& slot, const py::object& state) {
    return copies_.deep_copy(Snapshotting{slot}, state);
  }

  void restore(Slot& slot, py::object state) {
    if (state.is_none()) return build(slot);
    slot.state.folded = std::move(state);
  }

 private:
  void build(Slot& slot) {
    slot.state.folded = call_user(Calling{"builder", slot}, builder_.ptr());
  }

  py::object builder_;
  py::object folder_;
  StateCopies copies_;
};

}  // namespace

std::unique_ptr<operators::KeyedBody> make_fold_final(const KeyedSetup& setup) {
  const py::object no_value = py::module_::import(modules::kFinal).attr("_no_value");
  if (is_exactly(attribute_of(setup.builder.ptr(), "folder"), modules::kFinal, "ReduceFolder") &&
      attribute_of(setup.builder.ptr(), "builder").is(no_value)) {
    return make_reduce_final(setup);
  }
  return std::make_unique<NativeKeyedBody<FoldFinal>>(setup);
}

}  // namespace cppwax::bindings::native
