// The sending end of a channel on one worker: splits batches by route, spends credit, tells
// frontiers and ends to every receiver.
#pragma once

#include <memory>
#include <vector>

#include "engine/channel/credit.hpp"
#include "engine/channel/endpoint.hpp"
#include "engine/channel/router.hpp"
#include "engine/data/message.hpp"

namespace cppwax::channel {

// Belongs to one worker. Invariants (docs/progress_and_snapshots.md P1-P3): (1) a frontier is told
// after all batches before it; (2) frontiers never go back, the same one is told once; (3) nothing
// follows the end; (4) only batches need credit.
class Sender {
 public:
  // `router` null: there is one receiver, or the channel carries no items.
  // `step` is woken when credit comes back to a window that had none.
  Sender(std::vector<std::unique_ptr<Push>> receivers, Amount window, bool two_windows,
         Waker& step);

  // Nothing happens for no items. Errors: whatever the router raises.
  void send(Epoch epoch, data::PayloadPtr payload);
  void advance(Epoch epoch);
  void end(data::End end);

  // Set once, before the first batch; known only when the partitions are (PlanStep routes).
  void route_by(std::unique_ptr<Router> router) { router_ = std::move(router); }

  // Whether items go to more than one worker.
  bool has_choice() const { return receivers_.size() > 1; }
  // The least over all receivers (P4).
  bool open(Epoch epoch) const;
  std::int64_t room(Epoch epoch) const;
  void restore(std::size_t receiver, Epoch epoch, Amount amount);

 private:
  void send_to(std::size_t receiver, Epoch epoch, data::PayloadPtr payload);

  struct Receiving {
    std::unique_ptr<Push> push;
    CreditWindows credit;
  };
  std::vector<Receiving> receivers_;
  std::unique_ptr<Router> router_;
  std::vector<data::PayloadPtr> parts_;  // scratch of `send`
  Waker& step_;
  Epoch frontier_{};
  bool ended_ = false;
};

}  // namespace cppwax::channel
