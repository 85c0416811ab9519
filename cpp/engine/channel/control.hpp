// What workers tell each other beside the channels (docs/progress_and_snapshots.md, "Messages").
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "engine/base/ids.hpp"

namespace cppwax::channel {

// At the start: the source or sink partitions that `worker` lists for `step`.
struct Parts {
  StepIndex step;
  WorkerIndex worker;
  std::vector<std::string> names;
};

// To worker 0: the first work of this epoch was done somewhere.
struct Active {
  Epoch epoch;
};

// From worker 0 to all.
struct OpenEpoch {
  Epoch epoch;
};

// To worker 0: somebody asks for a stop.
struct StopRequest {
  int signal = 0;  // 0: a stop call
};

// From worker 0 to all: close all epochs up to `epoch`, the last one opened, and end as Stopped.
struct Stop {
  Epoch epoch;
  int signal = 0;  // that of the request, which itself may come later
};

// All that was stored for `worker` has come to its steps (P16).
struct Loaded {
  WorkerIndex worker;
};

// Within a process, to the worker that owns a recovery partition: ask it again.
struct StoreProgress {};

using Control = std::variant<Parts, Active, OpenEpoch, StopRequest, Stop, Loaded, StoreProgress>;

}  // namespace cppwax::channel
