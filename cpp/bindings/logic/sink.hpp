// Sinks: objects of DynamicSink and FixedPartitionedSink, and their partitions.
#pragma once

#include <memory>

#include "bindings/py_step.hpp"
#include "bindings/py_types.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// Both: the step and the types outlive the sink.
std::unique_ptr<operators::SinkLogic> make_dynamic_sink(const PyStep& step, const PyTypes& types,
                                                        operators::Seat seat);
std::unique_ptr<operators::PartitionedSinkLogic> make_partitioned_sink(
    const PyStep& step, const PyTypes& types, operators::Seat seat,
    const progress::Assignment& parts);

}  // namespace cppwax::bindings
