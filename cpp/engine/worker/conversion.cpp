#include "engine/worker/conversion.hpp"

#include <variant>

#include "engine/base/error.hpp"

namespace cppwax::worker {

namespace {

template <class... Calls>
struct Overloaded : Calls... {
  using Calls::operator()...;
};
template <class... Calls>
Overloaded(Calls...) -> Overloaded<Calls...>;

}  // namespace

const data::PayloadCodec& Conversion::codec(ChannelIndex channel) const {
  const graph::Route route = plan_.channel(channel).route;
  const bool carries_entries = route == graph::Route::kStored || route == graph::Route::kRestored;
  return carries_entries ? static_cast<const data::PayloadCodec&>(entries_) : items_;
}

transport::Message Conversion::to_message(WorkerIndex to, channel::Delivery delivery) const {
  if (auto* data = std::get_if<channel::DataDelivery>(&delivery)) {
    const transport::Lane lane{to, data->channel, data->sender};
    if (const auto* batch = std::get_if<data::Batch>(&data->message)) {
      return transport::BatchMessage{lane, batch->epoch, batch->amount,
                                     codec(data->channel).encode(*batch->payload)};
    }
    if (const auto* frontier = std::get_if<data::FrontierAdvance>(&data->message)) {
      return transport::FrontierMessage{lane, frontier->epoch};
    }
    return transport::EndMessage{lane, std::get<data::End>(data->message)};
  }
  if (const auto* credit = std::get_if<channel::CreditDelivery>(&delivery)) {
    return transport::CreditMessage{
        {to, credit->channel, credit->receiver}, credit->epoch, credit->amount};
  }
  return transport::ControlMessage{to, std::get<channel::Control>(std::move(delivery))};
}

std::pair<WorkerIndex, channel::Delivery> Conversion::to_delivery(transport::Message message) {
  using Result = std::pair<WorkerIndex, channel::Delivery>;
  return std::visit(
      Overloaded{
          [](transport::BatchMessage& batch) -> Result {
            return {batch.lane.to,
                    channel::EncodedDelivery{batch.lane.channel, batch.lane.from, batch.epoch,
                                             batch.amount, std::move(batch.buffers)}};
          },
          [](const transport::FrontierMessage& frontier) -> Result {
            return {frontier.lane.to,
                    channel::DataDelivery{frontier.lane.channel, frontier.lane.from,
                                          data::FrontierAdvance{frontier.epoch}}};
          },
          [](const transport::EndMessage& end) -> Result {
            return {end.lane.to, channel::DataDelivery{end.lane.channel, end.lane.from, end.end}};
          },
          [](const transport::CreditMessage& credit) -> Result {
            return {credit.lane.to, channel::CreditDelivery{credit.lane.channel, credit.lane.from,
                                                            credit.epoch, credit.amount}};
          },
          [](transport::ControlMessage& control) -> Result {
            return {control.to, std::move(control.control)};
          },
          [](const auto&) -> Result {
            throw InvariantError("a message between processes came for a worker");
          }},
      message);
}

channel::DataDelivery Conversion::decode(channel::EncodedDelivery delivery) const {
  data::PayloadPtr payload = codec(delivery.channel).decode(std::move(delivery.encoded));
  return {delivery.channel, delivery.sender,
          data::Batch{delivery.epoch, std::move(payload), delivery.amount}};
}

}  // namespace cppwax::worker
