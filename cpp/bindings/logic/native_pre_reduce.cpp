// Native form of what reduce_final does to a batch before its items go to the workers of their
// keys: one item for each key of each of the source's batches.
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "bindings/logic/key_table.hpp"
#include "bindings/logic/native.hpp"
#include "bindings/logic/native_pair.hpp"
#include "bindings/logic/native_reducer.hpp"
#include "bindings/py_payload.hpp"

namespace cppwax::bindings::native {

namespace {

std::string reducing() {
  return "calling `reducer` on values of a batch";
}

// Finds the place of a key among those of a batch. The keys outlive it.
class BatchKeys {
 public:
  // For at most so many keys, of which none is in yet.
  void begin(std::size_t at_most) {
    std::size_t size = 16;
    while (size < 2 * at_most) size *= 2;
    places_.assign(size, Place{});
  }

  // The place of a key that is in; else `next`, which is its place from now on.
  std::size_t find_or_add(PyObject* key, std::size_t next) {
    const Py_hash_t hash = text_hash(key);
    const std::size_t mask = places_.size() - 1;
    std::size_t at = static_cast<std::size_t>(hash) & mask;
    for (; places_[at].key != nullptr; at = (at + 1) & mask) {
      if (places_[at].hash == hash && same_text(places_[at].key, key)) return places_[at].place;
    }
    places_[at] = {hash, key, next};
    return next;
  }

 private:
  struct Place {
    Py_hash_t hash = 0;
    PyObject* key = nullptr;  // borrowed
    std::size_t place = 0;
  };
  std::vector<Place> places_;
};

class PreReduce {
 public:
  PreReduce(const py::object& batch, operators::Seat seat)
      : batch_(batch),
        reducer_(callable_of(batch.ptr(), "reducer")),
        is_alone_(seat.worker_count == 1) {}

  // Appends what becomes of a batch of the source.
  void reduce(std::span<PyObject* const> items, PyPayload& to) {
    const Look look = look_at(items);
    if (look == Look::kOther) return by_python(items, to);
    // Sums of ints come out the same, and there is no way to another worker that they save.
    if (look == Look::kInts && is_alone_ && reducer_.adds()) {
      for (PyObject* item : items) to.push_borrowed(item);
      return;
    }
    keys_.begin(items.size());
    std::vector<Reduced> reduced;
    for (PyObject* item : items) {
      const std::size_t place = keys_.find_or_add(key_of(item), reduced.size());
      if (place == reduced.size()) {
        reduced.push_back({key_of(item), py::reinterpret_borrow<py::object>(value_of(item))});
      } else {
        py::object& value = reduced[place].value;
        value = reducer_(reducing, value.ptr(), value_of(item));
      }
    }
    for (Reduced& each : reduced) {
      to.push(new_pair(Py_NewRef(each.key), each.value.release().ptr()));
    }
  }

 private:
  struct Reduced {
    PyObject* key;  // borrowed from the first item
    py::object value;
  };
  enum class Look { kInts, kPairs, kOther };

  // What they are: pairs with keys that are strs, of no subclass, which may be equal in other ways.
  static Look look_at(std::span<PyObject* const> items) {
    Look look = Look::kInts;
    for (PyObject* item : items) {
      if (!is_pair(item) || !PyUnicode_CheckExact(key_of(item))) return Look::kOther;
      if (!PyLong_CheckExact(value_of(item))) look = Look::kPairs;
    }
    return look;
  }

  void by_python(std::span<PyObject* const> items, PyPayload& to) const {
    PyPayload copies;
    for (PyObject* item : items) copies.push_borrowed(item);
    const py::object list = copies.to_list();
    to.append_if_listlike(call_user(reducing, batch_.ptr(), list.ptr()).ptr());
  }

  py::object batch_;
  Reducer reducer_;
  bool is_alone_;
  BatchKeys keys_;
};

// Of a joined batch, lets the parts go on that came before one that fails.
class PreReduceJob final : public operators::Job {
 public:
  // `reduce` outlives the job.
  PreReduceJob(PreReduce& reduce, data::PayloadPtr batch)
      : reduce_(reduce), batch_(std::move(batch)), reader_(as_py(*batch_)) {}

  operators::Work run(operators::Emitter& out) override {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    if (out.room() == 0) return operators::Work::kMore;
    auto reduced = std::make_unique<PyPayload>();
    reduced->reserve(batch_->size());
    try {
      while (!reader_.done()) {
        reduced->start_part();
        const auto part = reader_.part();
        reduce_.reduce(part, *reduced);
        for (std::size_t i = 0; i < part.size(); ++i) reader_.advance();
      }
    } catch (...) {
      if (reduced->empty()) throw;
      failure_ = std::current_exception();
    }
    out.emit(std::move(reduced));
    return failure_ ? operators::Work::kMore : operators::Work::kDone;
  }

 private:
  PreReduce& reduce_;
  data::PayloadPtr batch_;
  PyPayload::Reader reader_;
  std::exception_ptr failure_;  // comes out when what was reduced before it is through
};

class PreReduceLogic final : public operators::FlatMapBatchLogic {
 public:
  PreReduceLogic(const py::object& mapper, operators::Seat seat) : reduce_(mapper, seat) {}

  bool sees_batches() const override { return false; }
  std::unique_ptr<operators::Job> start(data::PayloadPtr batch) override {
    return std::make_unique<PreReduceJob>(reduce_, std::move(batch));
  }

 private:
  PreReduce reduce_;
};

}  // namespace

std::unique_ptr<operators::FlatMapBatchLogic> make_pre_reduce(const py::object& mapper,
                                                              operators::Seat seat) {
  return std::make_unique<PreReduceLogic>(mapper, seat);
}

}  // namespace cppwax::bindings::native
