// Both ends, on one worker, of every channel of the plan, and the way from a delivery to its end.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/channel/mailbox.hpp"
#include "engine/channel/receiver.hpp"
#include "engine/channel/sender.hpp"
#include "engine/graph/plan.hpp"
#include "engine/operators/logic.hpp"
#include "engine/operators/outputs.hpp"
#include "engine/worker/activations.hpp"

namespace cppwax::worker {

// Belongs to one worker. A channel that stays on its worker has one sender and one receiver, any
// other one of each a worker, numbered by worker.
class Wiring {
 public:
  Wiring(const graph::Plan& plan, operators::Seat seat, channel::Amount window,
         channel::Peers& peers, Activations& activations);

  channel::Sender& sender(ChannelIndex channel) { return *senders_[channel.value()]; }
  channel::Receiver& receiver(ChannelIndex channel) { return *receivers_[channel.value()]; }

  // Of each pair of a channel.
  channel::Amount window() const { return window_; }
  // What a step reads from, in argument order, and writes to.
  std::vector<channel::Receiver*> inputs(StepIndex step);
  operators::Outputs outputs(StepIndex step);

  void deliver(channel::DataDelivery delivery);
  void deliver(const channel::CreditDelivery& delivery);

 private:
  class LocalPush;
  class LocalRefund;
  class RemotePush;
  class RemoteRefund;

  void wire(ChannelIndex index, channel::Amount window, channel::Peers& peers,
            Activations& activations);

  const graph::Plan& plan_;
  operators::Seat seat_;
  channel::Amount window_;
  std::vector<std::unique_ptr<channel::Sender>> senders_;
  std::vector<std::unique_ptr<channel::Receiver>> receivers_;
};

}  // namespace cppwax::worker
