// Native steps that make at most one item of each. What they do with an item is a `Fate`: it takes
// the item's reference over and gives one to what goes on in its place, or null; when it throws, it
// has left the reference alone. One that has a `begin_batch` is told of each of the source's
// batches.
#pragma once

#include <exception>
#include <memory>
#include <utility>

#include "bindings/logic/native_pair.hpp"
#include "bindings/py_call.hpp"
#include "bindings/py_payload.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings::native {

// Works in place over a whole batch. Of a joined one, it lets the parts go on that came before a
// failure, and ends a slice between two parts, where the source's own batches would.
template <class Fate>
class PassJob final : public operators::Job {
 public:
  // `fate` outlives the job.
  PassJob(Fate& fate, data::PayloadPtr batch) : fate_(fate), batch_(std::move(batch)) {}

  operators::Work run(operators::Emitter& out) override {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    if (out.room() == 0) return operators::Work::kMore;
    PyPayload::Rewriter rewriter(as_py(*batch_));
    rewrite(rewriter);
    if (!failure_ && !rewriter.done()) {
      out.emit(rewriter.take_front());
      return operators::Work::kMore;
    }
    if (!failure_) rewriter.finish();
    out.emit(std::move(batch_));
    return failure_ ? operators::Work::kMore : operators::Work::kDone;
  }

 private:
  // Keeps a failure until what came before it is through.
  void rewrite(PyPayload::Rewriter& rewriter) {
    BytesMeter meter;
    bool begins = true;
    const auto metered = [&](PyObject* item) {
      if constexpr (requires { fate_.begin_batch(); }) {
        if (std::exchange(begins, false)) fate_.begin_batch();
      }
      PyObject* const result = fate_(item);
      if (result != nullptr) meter.add(result);
      return result;
    };
    try {
      do {
        begins = true;
        rewriter.rewrite_part(metered);
      } while (!rewriter.done() && meter.total() < kGatherBytes);
    } catch (...) {
      if (batch_->size() == 0) throw;
      failure_ = std::current_exception();
    }
  }

  Fate& fate_;
  data::PayloadPtr batch_;
  std::exception_ptr failure_;
};

template <class Fate>
class PassLogic final : public operators::FlatMapBatchLogic {
 public:
  explicit PassLogic(const py::object& mapper) : fate_(mapper) {}

  bool sees_batches() const override { return false; }
  std::unique_ptr<operators::Job> start(data::PayloadPtr batch) override {
    return std::make_unique<PassJob<Fate>>(fate_, std::move(batch));
  }

 private:
  Fate fate_;
};

template <class Fate>
std::unique_ptr<operators::FlatMapBatchLogic> make_pass(const py::object& mapper) {
  return std::make_unique<PassLogic<Fate>>(mapper);
}

// The predicate of a filter, with the step's Python form, which has the words for what is no bool.
class Predicate {
 public:
  explicit Predicate(const py::object& batch)
      : batch_(batch), predicate_(callable_of(batch.ptr(), "predicate")) {}

  template <class Doing>
  bool holds(Doing&& doing, PyObject* value) const {
    const py::object keep = call_user(doing, predicate_.ptr(), value);
    if (keep.ptr() == Py_True) return true;
    if (keep.ptr() != Py_False) {
      // Raises.
      call_user(doing, attribute_of(batch_.ptr(), "_refuse").ptr(), keep.ptr());
    }
    return false;
  }
  const py::object& batch() const { return batch_; }

 private:
  py::object batch_;
  py::object predicate_;
};

}  // namespace cppwax::bindings::native
