// Native forms of the steps with any number of results an item: flat_map, flatten, flat_map_value.
#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "bindings/logic/modules.hpp"
#include "bindings/logic/native.hpp"
#include "bindings/logic/native_pair.hpp"
#include "bindings/py_payload.hpp"

namespace cppwax::bindings::native {

namespace {

using operators::Emitter;
using operators::Work;

// What one item gives: an iterable of results, and the key that each is to have, or null.
struct Giving {
  py::object results;
  py::object key;
};

// How an iterable comes from an item, and who is to blame if it is none.
class MapperGives {
 public:
  explicit MapperGives(const py::object& batch)
      : step_id_(attribute_of(batch.ptr(), "step_id")),
        mapper_(callable_of(batch.ptr(), "mapper")) {}

  static std::string doing() { return "calling `mapper` on an item"; }

  Giving operator()(PyObject* item) const {
    return {call_user(doing, mapper_.ptr(), item), py::object()};
  }
  void blame(PyObject* results) const {
    const py::object check = py::module_::import(modules::kChecks).attr("check_iterable");
    const py::str name("mapper");
    call_user(doing, check.ptr(), step_id_.ptr(), name.ptr(), mapper_.ptr(), results);
  }

 private:
  py::object step_id_;
  py::object mapper_;
};

class ValueGives {
 public:
  explicit ValueGives(const py::object& batch) : batch_(batch), mapped_(batch) {}

  static std::string doing() { return "calling `mapper` on the value of an item"; }

  Giving operator()(PyObject* item) const {
    if (!is_pair(item)) return {call_on_batch_of_one(doing, batch_, item), py::object()};
    Giving giving = mapped_(value_of(item));
    giving.key = py::reinterpret_borrow<py::object>(key_of(item));
    return giving;
  }
  void blame(PyObject* results) const { mapped_.blame(results); }

 private:
  py::object batch_;
  MapperGives mapped_;
};

class ItemGives {
 public:
  explicit ItemGives(const py::object& batch) : step_id_(attribute_of(batch.ptr(), "step_id")) {}

  static std::string doing() { return "flattening an item"; }

  Giving operator()(PyObject* item) const {
    return {py::reinterpret_borrow<py::object>(item), py::object()};
  }
  void blame(PyObject* results) const {
    const py::object check = py::module_::import(modules::kChecks).attr("check_flattened");
    call_user(doing, check.ptr(), step_id_.ptr(), results);
  }

 private:
  py::object step_id_;
};

// Goes from item to item; keeps its place in the batch and in the iterable at hand.
template <class Give>
class FlatJob final : public operators::Job {
 public:
  // `give` outlives the job.
  FlatJob(Give& give, data::PayloadPtr batch)
      : give_(give), batch_(std::move(batch)), reader_(as_py(*batch_)) {}

  // Emits once: what follows in the flow goes on with it before more is gathered.
  Work run(Emitter& out) override {
    const std::size_t room = out.room();
    if (room == 0) return Work::kMore;
    if (!ready_ && failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    if (!ready_) gather_up_to(room);
    out.emit(ready_->size() > room ? as_py(*ready_).take_front(room) : std::move(ready_));
    return ready_ || failure_ || iterator_ || !reader_.done() ? Work::kMore : Work::kDone;
  }

 private:
  // Of a joined batch, the parts before one that fails go on.
  void gather_up_to(std::size_t room) {
    auto gathered = std::make_unique<PyPayload>();
    gathered->reserve(std::min(room, batch_->size()));
    std::size_t part_begins = 0;
    try {
      gather(*gathered, room, part_begins);
      ready_ = std::move(gathered);
    } catch (...) {
      if (part_begins == 0) throw;
      ready_ = gathered->take_front(part_begins);
      failure_ = std::current_exception();
    }
  }

  void gather(PyPayload& to, std::size_t room, std::size_t& part_begins) {
    BytesMeter meter;
    const auto full = [&] { return to.size() >= room || meter.total() >= kGatherBytes; };
    while (!full()) {
      if (iterator_) {
        drain(to, meter, full);
        continue;
      }
      if (reader_.done()) return;
      if (reader_.starts()) {
        to.start_part();
        part_begins = to.size();
      }
      Giving giving = give_(reader_.item());
      reader_.advance();
      take(std::move(giving), to, meter);
    }
  }

  // Takes in all of a list, or begins to iterate.
  void take(Giving giving, PyPayload& to, BytesMeter& meter) {
    const std::size_t before = to.size();
    if (!giving.key && to.append_if_listlike(giving.results.ptr())) {
      for (PyObject* item : to.items().subspan(before)) meter.add(item);
      return;
    }
    PyPayload values;
    if (giving.key && values.append_if_listlike(giving.results.ptr())) {
      for (PyObject* value : values.items()) push(giving.key, Py_NewRef(value), to, meter);
      return;
    }
    iterator_ = iterator_over(giving.results.ptr());
    key_ = std::move(giving.key);
  }

  py::object iterator_over(PyObject* results) const {
    PyObject* iterator = surviving_exit([&] { return PyObject_GetIter(results); });
    if (iterator == nullptr && PyErr_ExceptionMatches(PyExc_TypeError)) {
      py::error_already_set error;
      give_.blame(results);
      error.restore();
    }
    return call_result(iterator, Give::doing);
  }

  template <class Full>
  void drain(PyPayload& to, BytesMeter& meter, const Full& full) {
    const auto doing = [] {
      return std::string("iterating over the result of ").append(Give::doing());
    };
    while (!full()) {
      PyObject* item = next_item(doing, iterator_.ptr());
      if (item == nullptr) {
        iterator_ = key_ = py::object();
        return;
      }
      push(key_, item, to, meter);
      user_call_ended();
    }
  }

  // Takes over the reference to the value.
  static void push(const py::object& key, PyObject* value, PyPayload& to, BytesMeter& meter) {
    PyObject* item = key ? new_pair(Py_NewRef(key.ptr()), value) : value;
    to.push(item);
    meter.add(item);
  }

  Give& give_;
  data::PayloadPtr batch_;
  PyPayload::Reader reader_;
  py::object iterator_;         // over what the last item gave, unless it was a list
  py::object key_;              // for all of it, or null
  data::PayloadPtr ready_;      // gathered, not emitted yet
  std::exception_ptr failure_;  // comes out when what was gathered before it is through
};

template <class Give>
class FlatLogic final : public operators::FlatMapBatchLogic {
 public:
  explicit FlatLogic(const py::object& mapper) : give_(mapper) {}

  bool sees_batches() const override { return false; }
  std::unique_ptr<operators::Job> start(data::PayloadPtr batch) override {
    return std::make_unique<FlatJob<Give>>(give_, std::move(batch));
  }

 private:
  Give give_;
};

}  // namespace

std::unique_ptr<operators::FlatMapBatchLogic> make_flat_map(const py::object& mapper) {
  return std::make_unique<FlatLogic<MapperGives>>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_flatten(const py::object& mapper) {
  return std::make_unique<FlatLogic<ItemGives>>(mapper);
}
std::unique_ptr<operators::FlatMapBatchLogic> make_flat_map_value(const py::object& mapper) {
  return std::make_unique<FlatLogic<ValueGives>>(mapper);
}

}  // namespace cppwax::bindings::native
