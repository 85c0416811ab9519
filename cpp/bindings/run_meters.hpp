// `_engine.Meters`: what the steps of a run have done so far, asked from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "bindings/logic/watched_body.hpp"
#include "engine/base/guarded.hpp"
#include "engine/base/ids.hpp"
#include "engine/graph/plan.hpp"
#include "engine/worker/meters.hpp"

namespace cppwax::bindings {

// Thread-safe. Handed to one run, which fills it when it starts; may be read after its end too.
class RunMeters {
 public:
  // Errors: ValueError for the meters of another run.
  std::shared_ptr<worker::Meters> begin(const graph::Plan& plan, WorkerIndex first,
                                        std::uint32_t worker_count);
  // Null before the run.
  std::shared_ptr<worker::Meters> get() {
    return meters_.with([](const auto& meters) { return meters; });
  }

  // Where the keys of a keyed step on one worker are counted.
  std::shared_ptr<SampledKeys> keys_of(const StepId& step, WorkerIndex worker);
  using AllKeys = std::map<std::pair<StepId, std::uint32_t>, std::shared_ptr<SampledKeys>>;
  AllKeys all_keys() {
    return keys_.with([](const AllKeys& keys) { return keys; });
  }

 private:
  Guarded<std::shared_ptr<worker::Meters>> meters_;
  Guarded<AllKeys> keys_;
};

}  // namespace cppwax::bindings
