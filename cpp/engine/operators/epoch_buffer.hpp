// The hold-back of docs/progress_and_snapshots.md P8: a step that snapshots works on one epoch
// completely before the next, and keeps here what came early. Nothing else holds back.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/channel/credit.hpp"
#include "engine/data/payload.hpp"

namespace cppwax::operators {

// A batch that came before its epoch, with what is needed to work on it as if it came then.
struct HeldBatch {
  std::size_t input = 0;   // of the step
  std::size_t sender = 0;  // of that input
  Epoch epoch;
  data::PayloadPtr payload;
  channel::Amount amount;  // owed to the sender once worked on
};

// Belongs to one worker. Invariants: (1) what is held comes out once, at its own epoch, in the
// order of arrival; (2) epochs come out in their order. What limits it: the credit of the senders,
// which is not given back for what lies here.
class EpochBuffer {
 public:
  // REQUIRES: an epoch that was not released yet.
  void hold(HeldBatch batch);
  // Takes out those of exactly this epoch; none if there are none. REQUIRES: nothing of an earlier
  // epoch is held, it would be lost to its snapshot.
  std::vector<HeldBatch> release(Epoch epoch);
  // The least epoch of which something is held.
  std::optional<Epoch> least() const;
  bool empty() const { return held_.empty(); }

 private:
  std::map<Epoch, std::vector<HeldBatch>> held_;
  std::optional<Epoch> released_;
};

}  // namespace cppwax::operators
