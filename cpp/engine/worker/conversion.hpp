// Between what workers give each other and what processes send: the only place where batches become
// bytes, and bytes batches.
#pragma once

#include <utility>

#include "engine/base/ids.hpp"
#include "engine/channel/mailbox.hpp"
#include "engine/data/codec.hpp"
#include "engine/graph/plan.hpp"
#include "engine/recovery/entry_codec.hpp"
#include "engine/transport/message.hpp"

namespace cppwax::worker {

// Immutable; used by all workers of a process. `plan` and `items` outlive it.
class Conversion {
 public:
  Conversion(const graph::Plan& plan, const data::PayloadCodec& items)
      : plan_(plan), items_(items) {}

  // REQUIRES: inside the UserCodeScope of the worker that sends.
  // Errors: UserCodeError for an item that cannot be encoded.
  transport::Message to_message(WorkerIndex to, channel::Delivery delivery) const;

  // On any thread: batches stay bytes until their worker takes them. REQUIRES: a message for
  // workers.
  static std::pair<WorkerIndex, channel::Delivery> to_delivery(transport::Message message);

  // REQUIRES: inside the UserCodeScope of the worker that receives.
  // Errors: UserCodeError for items that cannot be made again.
  channel::DataDelivery decode(channel::EncodedDelivery delivery) const;

 private:
  const data::PayloadCodec& codec(ChannelIndex channel) const;

  const graph::Plan& plan_;
  const data::PayloadCodec& items_;
  recovery::EntryCodec entries_;
};

}  // namespace cppwax::worker
