// The keyed step: items with the same key come to one worker, whose KeyedBody owns their state.
// The engine knows batches, one due time and the end of data; keys are the body's.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "engine/operators/stateless.hpp"

namespace cppwax::operators {

class StatefulBatchStep final : public StepWithLogic<KeyedBody> {
 public:
  using StepWithLogic::StepWithLogic;

  void restore(recovery::Entries entries) override { logic().restore(std::move(entries)); }
  void resume() override {
    if (logic().resume()) put_due_first();
  }
  std::optional<Duration> watermark_lag() const override { return logic().watermark_lag(); }

 protected:
  Storable* storable() override { return &logic(); }
  std::optional<WallTime> next_due() const override { return logic().next_due(); }
  std::unique_ptr<Job> start(Epoch, data::PayloadPtr batch, Emitter& out) override {
    return begin(logic().on_batch(std::move(batch)), out);
  }
  std::unique_ptr<Job> start_due(WallTime now) override { return logic().on_due(now); }
  std::unique_ptr<Job> start_eof() override { return logic().on_eof(); }
};

}  // namespace cppwax::operators
