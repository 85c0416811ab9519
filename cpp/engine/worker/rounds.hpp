// Whether it can be seen in which round of polls of the sources an item came.
#pragma once

#include <algorithm>

#include "engine/graph/plan.hpp"

namespace cppwax::worker {

// Neither do several sources take turns, nor do several ways of one source's items meet again,
// whose rounds a merge interleaves.
inline bool hides_rounds(const graph::Plan& plan) {
  const auto& steps = plan.steps();
  const auto sources = std::count_if(steps.begin(), steps.end(), [](const graph::Step& step) {
    return graph::is_source(step.kind);
  });
  return sources == 1 && std::none_of(steps.begin(), steps.end(), [](const graph::Step& step) {
           return step.kind == graph::StepKind::kMerge && step.inputs.size() > 1;
         });
}

}  // namespace cppwax::worker
