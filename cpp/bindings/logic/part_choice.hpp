// Which partition of a FixedPartitionedSink takes an item: `part_fn`, over the sorted names.
#pragma once

#include <cstddef>

#include "bindings/py_step.hpp"
#include "bindings/py_types.hpp"
#include "engine/progress/partition_assignment.hpp"

namespace cppwax::bindings {

// An item whose partition is chosen, as it goes from worker to worker: a tuple of two.
struct PlacedItem {
  std::size_t part;  // its place in the sorted names
  PyObject* value;   // borrowed
};

// REQUIRES: `PartChoice::placed` made it, on whatever worker.
inline PlacedItem placed_item(PyObject* item) {
  return {PyLong_AsSize_t(PyTuple_GET_ITEM(item, 0)), PyTuple_GET_ITEM(item, 1)};
}

// Belongs to one worker. The step and the types outlive it.
class PartChoice {
 public:
  PartChoice(const PyStep& step, const PyTypes& types, std::size_t part_count);

  // Chooses for a (key, value) pair, which is borrowed.
  // Errors: UserCodeError, also for an item that is none, and for a result that is no number from 0
  // to 2**64 - 1.
  PlacedItem choose(PyObject* item) const;
  // The same, as a new Python object.
  PyObject* placed(PyObject* item) const;

 private:
  std::size_t part_of(PyObject* key) const;

  const StepId& step_;
  const PyTypes& types_;
  py::object sink_;
  std::size_t part_count_;
};

}  // namespace cppwax::bindings
