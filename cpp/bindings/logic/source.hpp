// Sources: objects of FixedPartitionedSource and DynamicSource, and their partitions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings/py_call.hpp"
#include "bindings/py_step.hpp"
#include "bindings/py_types.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// Of sources and of sinks. `owner` is the object with the method.
std::vector<std::string> list_parts_of(const StepId& step, const PyTypes& types, PyObject* owner);

// Of a partitioned source: the internal attributes of FixedPartitionedSource.
bool source_starts_now(const PyStep& step);
void source_found_no_parts(const PyStep& step);

// Both: the step and the types outlive the part.
std::unique_ptr<operators::SourcePart> make_source_part(const PyStep& step, const PyTypes& types,
                                                        const std::string& name,
                                                        const std::optional<std::string>& stored);
std::unique_ptr<operators::SourcePart> make_dynamic_source(const PyStep& step, const PyTypes& types,
                                                           operators::Seat seat);

// What the present Python error, of a `next_batch`, tells: StopIteration and AbortExecution are how
// it ends; else it failed, which throws. `doing` as for call_result.
template <class Doing>
operators::Polled end_of_polls(const PyTypes& types, Doing&& doing) {
  operators::Polled end;
  if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
    end.kind = operators::Polled::Kind::kEof;
  } else if (PyErr_ExceptionMatches(types.abort_execution.ptr())) {
    end.kind = operators::Polled::Kind::kAbort;
  } else {
    call_result(nullptr, doing);
  }
  PyErr_Clear();
  user_call_ended();
  return end;
}

}  // namespace cppwax::bindings
