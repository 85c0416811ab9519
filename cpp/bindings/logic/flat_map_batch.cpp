#include "bindings/logic/flat_map_batch.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "bindings/logic/native.hpp"
#include "bindings/py_call.hpp"
#include "bindings/py_payload.hpp"

namespace cppwax::bindings {

namespace {

using operators::Emitter;
using operators::Work;

// The result of one call of the mapper, given out as there is room.
class MapJob : public operators::Job {
 public:
  // `mapper` outlives the job.
  MapJob(const StepId& step, PyObject* mapper, data::PayloadPtr batch)
      : step_(step), mapper_(mapper), batch_(std::move(batch)), batch_size_(batch_->size()) {}

  Work run(Emitter& out) override {
    if (batch_) call();
    if (iterator_) return drain(out);
    while (!ready_.empty()) {
      const std::size_t room = out.room();
      if (room == 0) return Work::kMore;
      if (room >= ready_.size()) {
        out.emit(std::make_unique<PyPayload>(std::move(ready_)));
        break;
      }
      out.emit(ready_.take_front(room));
    }
    return Work::kDone;
  }

 private:
  std::string calling() const {
    return "calling `mapper` on a batch of " + count_of(batch_size_, "item");
  }

  void call() {
    const py::object list = as_py(*batch_).to_list();
    batch_.reset();
    const auto doing = [this] { return calling(); };
    const py::object result = call_user(doing, mapper_, list.ptr());
    if (ready_.append_if_listlike(result.ptr())) return;
    if (!may_iterate(result.ptr())) {
      throw_type_error(calling(), "step '" + step_ +
                                      "' needs the results of `mapper` to be iterables, such as "
                                      "lists; it returned a `" +
                                      type_name(result.ptr()) + "`");
    }
    iterator_ = call_result(surviving_exit([&] { return PyObject_GetIter(result.ptr()); }), doing);
  }

  Work drain(Emitter& out) {
    const auto doing = [this] { return "iterating over the result of " + calling(); };
    for (;;) {
      const std::size_t room = out.room();
      if (room == 0) return Work::kMore;
      auto gathered = std::make_unique<PyPayload>();
      BytesMeter meter;
      PyObject* item = nullptr;
      while (gathered->size() < room && meter.total() < kGatherBytes &&
             (item = next_item(doing, iterator_.ptr())) != nullptr) {
        gathered->push(item);
        meter.add(item);
        user_call_ended();
      }
      if (!gathered->empty()) out.emit(std::move(gathered));
      if (item == nullptr) break;
    }
    iterator_ = py::object();
    return Work::kDone;
  }

  const StepId& step_;
  PyObject* mapper_;
  data::PayloadPtr batch_;  // until the mapper was called
  std::size_t batch_size_;
  PyPayload ready_;      // the rest of a list
  py::object iterator_;  // or what else gives the rest
};

class MapLogic : public operators::FlatMapBatchLogic {
 public:
  MapLogic(const PyStep& step, py::object mapper) : step_(step.id), mapper_(std::move(mapper)) {}

  std::unique_ptr<operators::Job> start(data::PayloadPtr batch) override {
    return std::make_unique<MapJob>(step_, mapper_.ptr(), std::move(batch));
  }

 private:
  const StepId& step_;
  py::object mapper_;
};

}  // namespace

std::unique_ptr<operators::FlatMapBatchLogic> make_flat_map_batch(const PyStep& step,
                                                                  operators::Seat seat) {
  py::object mapper = attribute_of(step.op.ptr(), "mapper");
  if (auto native = make_native(mapper, seat)) return native;
  return std::make_unique<MapLogic>(step, std::move(mapper));
}

}  // namespace cppwax::bindings
