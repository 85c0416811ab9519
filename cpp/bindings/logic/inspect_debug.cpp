#include "bindings/logic/inspect_debug.hpp"

#include <string>

#include "bindings/py_call.hpp"
#include "bindings/py_payload.hpp"
#include "bindings/py_types.hpp"

namespace cppwax::bindings {

namespace {

class InspectorLogic : public operators::InspectLogic {
 public:
  InspectorLogic(const PyStep& step, operators::Seat seat)
      : inspector_(callable_of(step.op.ptr(), "inspector")),
        step_id_(str_of(step.id)),
        worker_(py::int_(seat.worker.value())) {}

  void inspect(const data::Payload& batch, Epoch epoch) override {
    const py::int_ epoch_number(epoch.value());
    const auto doing = [] { return std::string("calling `inspector` on an item"); };
    for (PyObject* item : as_py(batch).items()) {
      call_user(doing, inspector_.ptr(), step_id_.ptr(), item, epoch_number.ptr(), worker_.ptr());
    }
  }

 private:
  py::object inspector_;
  py::object step_id_;
  py::int_ worker_;
};

}  // namespace

std::unique_ptr<operators::InspectLogic> make_inspect_debug(const PyStep& step,
                                                            operators::Seat seat) {
  return std::make_unique<InspectorLogic>(step, seat);
}

}  // namespace cppwax::bindings
