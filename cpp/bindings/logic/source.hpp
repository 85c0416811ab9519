// Sources: objects of FixedPartitionedSource and DynamicSource, and their partitions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bindings/py_step.hpp"
#include "bindings/py_types.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// Of sources and of sinks. `owner` is the object with the method.
std::vector<std::string> list_parts_of(const StepId& step, const PyTypes& types, PyObject* owner);

// Both: the step and the types outlive the part.
std::unique_ptr<operators::SourcePart> make_source_part(const PyStep& step, const PyTypes& types,
                                                        const std::string& name);
std::unique_ptr<operators::SourcePart> make_dynamic_source(const PyStep& step, const PyTypes& types,
                                                           operators::Seat seat);

}  // namespace cppwax::bindings
