// The ends of a sender-receiver pair of a channel. A local queue, a mailbox of another worker and
// (later) a socket implement them; steps do not know which.
#pragma once

#include "engine/base/ids.hpp"
#include "engine/channel/credit.hpp"
#include "engine/data/message.hpp"

namespace cppwax::channel {

// Where a sender puts messages for one receiver. FIFO.
class Push {
 public:
  virtual ~Push() = default;
  virtual void push(data::Message message) = 0;
};

// Where a receiver gives credit back to one sender.
class Refund {
 public:
  virtual ~Refund() = default;
  virtual void refund(Epoch epoch, Amount amount) = 0;
};

// Tells a worker's scheduler that a step may have something to do. Same worker only.
class Waker {
 public:
  virtual ~Waker() = default;
  virtual void wake() = 0;
};

}  // namespace cppwax::channel
