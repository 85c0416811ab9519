// Source partitions and sinks over integers: what int_logic.hpp makes of a flow's ends.
#pragma once

#include <cstddef>
#include <memory>

#include "support/int_logic.hpp"

namespace cppwax::test {

// `position`: how many polls of the script are done already.
std::unique_ptr<operators::SourcePart> make_scripted_part(IntLogic::Place place, Script script,
                                                          std::size_t position);
std::unique_ptr<operators::SinkLogic> make_int_sink(IntLogic::Place place);
std::unique_ptr<operators::PartitionedSinkLogic> make_int_sink(IntLogic::Place place,
                                                               const progress::Assignment& parts);

}  // namespace cppwax::test
