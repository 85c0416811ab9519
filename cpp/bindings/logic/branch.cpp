#include "bindings/logic/branch.hpp"

#include <string>
#include <utility>

#include "bindings/py_call.hpp"
#include "bindings/py_payload.hpp"

namespace cppwax::bindings {

namespace {

std::string calling() {
  return "calling `predicate` on an item";
}

class PredicateLogic : public operators::BranchLogic {
 public:
  explicit PredicateLogic(const PyStep& step)
      : step_(step.id), predicate_(callable_of(step.op.ptr(), "predicate")) {}

  operators::Branches split(data::PayloadPtr batch) override {
    auto trues = std::make_unique<PyPayload>();
    auto falses = std::make_unique<PyPayload>();
    as_py(*batch).each_item([&](PyObject* item, bool starts) {
      if (starts) {
        trues->start_part();
        falses->start_part();
      }
      PyPayload& chosen = is_true(item) ? *trues : *falses;
      chosen.push_borrowed(item);
    });
    return {std::move(trues), std::move(falses)};
  }

 private:
  bool is_true(PyObject* item) {
    const py::object answer = call_user(calling, predicate_.ptr(), item);
    if (!PyBool_Check(answer.ptr())) {
      throw_type_error(calling(), "step '" + step_ + "': the result of `predicate` must be a " +
                                      "`bool`, got a `" + type_name(answer.ptr()) +
                                      "`; wrap it in `bool(…)` if it is meant as one");
    }
    return answer.ptr() == Py_True;
  }

  const StepId& step_;
  py::object predicate_;
};

}  // namespace

std::unique_ptr<operators::BranchLogic> make_branch(const PyStep& step) {
  return std::make_unique<PredicateLogic>(step);
}

}  // namespace cppwax::bindings
