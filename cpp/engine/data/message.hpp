// What travels on a channel (docs/progress_and_snapshots.md, "Messages").
#pragma once

#include <variant>

#include "engine/base/ids.hpp"
#include "engine/data/amount.hpp"
#include "engine/data/payload.hpp"

namespace cppwax::data {

struct Batch {
  Epoch epoch;
  PayloadPtr payload;
  // What it took from the credit of its sender, and what comes back: sizes are estimates, and two
  // estimates would make credit leak (P3).
  Amount amount{};
};

// Nothing of an epoch < `epoch` will follow from this sender.
struct FrontierAdvance {
  Epoch epoch;
};

// Eof: the data ended. Stopped: the run stops, windows and folds stay open. (P2)
enum class EndKind { kEof, kStopped };

// The last message of a sender, with the epoch it was in.
struct End {
  EndKind kind;
  Epoch epoch;
};

using Message = std::variant<Batch, FrontierAdvance, End>;

}  // namespace cppwax::data
