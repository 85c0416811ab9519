// Flow control of one sender-receiver pair of a channel (docs/progress_and_snapshots.md P3, P4).
#pragma once

#include <array>
#include <cstdint>

#include "engine/base/ids.hpp"
#include "engine/data/amount.hpp"

namespace cppwax::channel {

using data::Amount;

inline constexpr Amount kDefaultWindow{64 * 1024, 8 * 1024 * 1024};

// Belongs to the sending worker. A batch may be sent while both numbers are above zero, so that a
// window goes below it by at most one batch; what was worked on comes back.
// Invariant: what was spent and has not come back is what lies in the queue or in work.
class CreditWindows {
 public:
  // `two`: one window for even and one for odd epochs (recovery on); else one for all.
  CreditWindows(Amount size, bool two);

  bool open(Epoch epoch) const;
  // Items that may be sent before `open` says no (at least 0).
  std::int64_t room(Epoch epoch) const;
  void spend(Epoch epoch, Amount amount);
  // Errors: InvariantError if more comes back than was spent.
  void restore(Epoch epoch, Amount amount);

 private:
  std::size_t slot(Epoch epoch) const { return two_ ? epoch.parity() : 0; }

  Amount size_;
  bool two_;
  std::array<Amount, 2> left_;
};

}  // namespace cppwax::channel
