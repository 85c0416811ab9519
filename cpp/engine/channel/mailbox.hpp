// The one queue that threads share: what other workers (and, later, the network) send to a worker.
#pragma once

#include <atomic>
#include <deque>
#include <optional>
#include <variant>

#include "engine/base/clock.hpp"
#include "engine/base/guarded.hpp"
#include "engine/base/ids.hpp"
#include "engine/base/wakeup.hpp"
#include "engine/channel/control.hpp"
#include "engine/channel/credit.hpp"
#include "engine/data/codec.hpp"
#include "engine/data/message.hpp"

namespace cppwax::channel {

// A message on a channel, from another worker.
struct DataDelivery {
  ChannelIndex channel;
  WorkerIndex sender;
  data::Message message;
};

// Credit that comes back from the receiver of a channel.
struct CreditDelivery {
  ChannelIndex channel;
  WorkerIndex receiver;
  Epoch epoch;
  Amount amount;
};

// A batch from another process: its items are made again on the worker that takes it.
struct EncodedDelivery {
  ChannelIndex channel;
  WorkerIndex sender;
  Epoch epoch;
  Amount amount;
  data::Encoded encoded;
};

using Delivery = std::variant<DataDelivery, CreditDelivery, Control, EncodedDelivery>;

// Thread-safe: many post, the owning worker takes. Invariant: deliveries of one poster come out in
// the order posted. What limits it: batches by the credit of their channels; the rest is at most a
// frontier, an end and a credit a channel and activation.
class Mailbox {
 public:
  void post(Delivery delivery);
  // Everything that is there, oldest first; empty if nothing. Cheap when nothing was posted.
  std::deque<Delivery> take_all();
  // Waits until something is posted, somebody calls `wake`, a signal arrives or the deadline is
  // over. Owner only.
  void wait(std::optional<SteadyTime> deadline, const Clock& clock);
  // Ends the present or the next `wait`. Any thread.
  void wake();

 private:
  Guarded<std::deque<Delivery>> queue_;
  std::atomic<bool> filled_{false};
  Wakeup wakeup_;
};

// The way to every worker of the cluster. Thread-safe. One for the workers of a process by their
// mailboxes; a transport takes the rest. Tests put a seeded schedule behind it.
class Peers {
 public:
  virtual ~Peers() = default;
  virtual void post(WorkerIndex to, Delivery delivery) = 0;
};

}  // namespace cppwax::channel
