// The engine's own last step: hears the frontiers of all last steps of all workers, so that each
// worker knows which epochs are through everywhere (docs/decisions/0003-in-band-frontiers.md).
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "engine/channel/receiver.hpp"
#include "engine/operators/step.hpp"
#include "engine/progress/input_frontier.hpp"

namespace cppwax::operators {

class ProbeStep final : public Step {
 public:
  ProbeStep(std::vector<channel::Receiver*> inputs, Epoch first)
      : inputs_(std::move(inputs)),
        frontier_(channel::count_senders(inputs_), first),
        epoch_(first) {}

  Activity activate() override {
    std::size_t first_sender = 0;
    for (auto* input : inputs_) {
      while (auto envelope = input->take()) {
        const std::size_t sender = first_sender + envelope->sender;
        if (const auto* end = std::get_if<data::End>(&envelope->message)) {
          frontier_.end(sender, *end);
        } else {
          frontier_.advance(sender, std::get<data::FrontierAdvance>(envelope->message).epoch);
        }
      }
      first_sender += input->sender_count();
    }
    epoch_ = frontier_.least().value_or(epoch_);
    return Activity::kWaits;
  }

  bool done() const override { return frontier_.ended().has_value(); }
  Epoch epoch() const override { return epoch_; }
  // Whether everything before `epoch` is through.
  bool passed(Epoch epoch) const { return done() || epoch_ >= epoch; }
  // The last epoch that is through; one before the first: none.
  Epoch through() const {
    const auto end = frontier_.ended();
    return end ? end->epoch : Epoch(epoch_.value() - 1);
  }
  // How the whole flow ended.
  std::optional<data::End> ended() const { return frontier_.ended(); }

 private:
  std::vector<channel::Receiver*> inputs_;
  progress::InputFrontier frontier_;
  Epoch epoch_;
};

}  // namespace cppwax::operators
