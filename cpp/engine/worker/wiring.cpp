#include "engine/worker/wiring.hpp"

#include <utility>

namespace cppwax::worker {

using channel::Amount;

// Both ends lie in this wiring's tables; they are looked up at each use because they are made in
// turn and refer to each other.
class Wiring::LocalPush final : public channel::Push {
 public:
  LocalPush(Wiring& wiring, ChannelIndex channel, std::size_t sender)
      : wiring_(wiring), channel_(channel), sender_(sender) {}
  void push(data::Message message) override {
    wiring_.receiver(channel_).deliver(sender_, std::move(message));
  }

 private:
  Wiring& wiring_;
  ChannelIndex channel_;
  std::size_t sender_;
};

class Wiring::LocalRefund final : public channel::Refund {
 public:
  LocalRefund(Wiring& wiring, ChannelIndex channel, std::size_t receiver)
      : wiring_(wiring), channel_(channel), receiver_(receiver) {}
  void refund(Epoch epoch, Amount amount) override {
    wiring_.sender(channel_).restore(receiver_, epoch, amount);
  }

 private:
  Wiring& wiring_;
  ChannelIndex channel_;
  std::size_t receiver_;
};

class Wiring::RemotePush final : public channel::Push {
 public:
  RemotePush(channel::Peers& peers, ChannelIndex channel, WorkerIndex self, WorkerIndex to)
      : peers_(peers), channel_(channel), self_(self), to_(to) {}
  void push(data::Message message) override {
    peers_.post(to_, channel::DataDelivery{channel_, self_, std::move(message)});
  }

 private:
  channel::Peers& peers_;
  ChannelIndex channel_;
  WorkerIndex self_;
  WorkerIndex to_;
};

class Wiring::RemoteRefund final : public channel::Refund {
 public:
  RemoteRefund(channel::Peers& peers, ChannelIndex channel, WorkerIndex self, WorkerIndex to)
      : peers_(peers), channel_(channel), self_(self), to_(to) {}
  void refund(Epoch epoch, Amount amount) override {
    peers_.post(to_, channel::CreditDelivery{channel_, self_, epoch, amount});
  }

 private:
  channel::Peers& peers_;
  ChannelIndex channel_;
  WorkerIndex self_;
  WorkerIndex to_;
};

Wiring::Wiring(const graph::Plan& plan, operators::Seat seat, Amount window, channel::Peers& peers,
               Activations& activations)
    : plan_(plan), seat_(seat), window_(window) {
  for (std::uint32_t i = 0; i < plan.channels().size(); ++i) {
    wire(ChannelIndex(i), window, peers, activations);
  }
}

void Wiring::wire(ChannelIndex index, Amount window, channel::Peers& peers,
                  Activations& activations) {
  const graph::Channel& channel = plan_.channel(index);
  std::vector<std::unique_ptr<channel::Push>> pushes;
  std::vector<std::unique_ptr<channel::Refund>> refunds;
  if (channel.route == graph::Route::kLocal) {
    pushes.push_back(std::make_unique<LocalPush>(*this, index, 0));
    refunds.push_back(std::make_unique<LocalRefund>(*this, index, 0));
  } else {
    const std::size_t self = seat_.worker.value();
    for (std::uint32_t w = 0; w < seat_.worker_count; ++w) {
      if (w == self) {
        pushes.push_back(std::make_unique<LocalPush>(*this, index, self));
        refunds.push_back(std::make_unique<LocalRefund>(*this, index, self));
        continue;
      }
      const WorkerIndex peer(w);
      pushes.push_back(std::make_unique<RemotePush>(peers, index, seat_.worker, peer));
      refunds.push_back(std::make_unique<RemoteRefund>(peers, index, seat_.worker, peer));
    }
  }
  const bool two_windows = seat_.recovery;  // nothing else orders epochs within a channel (P3)
  senders_.push_back(std::make_unique<channel::Sender>(std::move(pushes), window, two_windows,
                                                       activations.waker(channel.from)));
  receivers_.push_back(
      std::make_unique<channel::Receiver>(std::move(refunds), activations.waker(channel.to)));
}

std::vector<channel::Receiver*> Wiring::inputs(StepIndex step) {
  std::vector<channel::Receiver*> inputs;
  for (ChannelIndex channel : plan_.step(step).in_channels) inputs.push_back(&receiver(channel));
  return inputs;
}

operators::Outputs Wiring::outputs(StepIndex step) {
  std::vector<std::vector<channel::Sender*>> ports(plan_.step(step).outputs.size());
  std::vector<channel::Sender*> signals;
  channel::Sender* snapshots = nullptr;
  for (std::uint32_t i = 0; i < plan_.channels().size(); ++i) {
    const graph::Channel& channel = plan_.channel(ChannelIndex(i));
    if (channel.from != step) continue;
    channel::Sender* sender = senders_[i].get();
    if (channel.route == graph::Route::kStored) {
      snapshots = sender;
    } else {
      auto& list = channel.route == graph::Route::kEverywhere ? signals : ports[channel.from_port];
      list.push_back(sender);
    }
  }
  return {std::move(ports), std::move(signals), snapshots};
}

void Wiring::deliver(channel::DataDelivery delivery) {
  receiver(delivery.channel).deliver(delivery.sender.value(), std::move(delivery.message));
}

void Wiring::deliver(const channel::CreditDelivery& delivery) {
  sender(delivery.channel).restore(delivery.receiver.value(), delivery.epoch, delivery.amount);
}

}  // namespace cppwax::worker
