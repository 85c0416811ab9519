// Which partition of a FixedPartitionedSink takes an item: `part_fn`, over the sorted names.
#pragma once

#include <cstddef>

#include "bindings/py_step.hpp"
#include "bindings/py_types.hpp"
#include "engine/progress/partition_assignment.hpp"

namespace cppwax::bindings {

// Belongs to one worker. The step and the types outlive it.
class PartChoice {
 public:
  PartChoice(const PyStep& step, const PyTypes& types, std::size_t part_count);

  // The place of the partition in the sorted names. `key` is borrowed.
  // Errors: UserCodeError, also for a result that is no number from 0 to 2**64 - 1.
  std::size_t of(PyObject* key) const;

 private:
  const StepId& step_;
  const PyTypes& types_;
  py::object sink_;
  std::size_t part_count_;
};

}  // namespace cppwax::bindings
