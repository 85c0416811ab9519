// Which step of a worker runs next, and when the worker must wake by itself
// (docs/decisions/0009-order-of-activation.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/base/ids.hpp"
#include "engine/channel/endpoint.hpp"
#include "engine/graph/plan.hpp"

namespace cppwax::worker {

// Belongs to one worker. The order: sources in rounds, each at most once, in order of the plan,
// with nothing between; then other steps, those nearer the sinks first, but a step with several
// inputs only when no step above it on this worker is ready; a new round when nothing else is, or,
// with several workers, when the round has lasted long.
// (`merge` therefore sees a whole round, and takes it in the order of its arguments.)
class Activations {
 public:
  // `worker_count`: of the cluster.
  Activations(const graph::Plan& plan, std::uint32_t worker_count);

  void wake(StepIndex step) { ready_[step.value()] = true; }
  // Not before the sources have had a turn: for a step that can always go on.
  void wake_in_next_round(StepIndex step) { later_[step.value()] = true; }
  // Replaces the time at which `step` wakes by itself.
  void wake_at(StepIndex step, std::optional<WallTime> time);
  // Wakes the steps whose time has come.
  void fire(WallTime now);
  std::optional<WallTime> next_due() const { return next_due_; }

  // The step to activate now, no longer marked as ready.
  std::optional<StepIndex> next();

  // For the ends of channels, which wake their step.
  channel::Waker& waker(StepIndex step) { return wakers_[step.value()]; }

 private:
  class StepWaker final : public channel::Waker {
   public:
    StepWaker(Activations& activations, StepIndex step) : activations_(activations), step_(step) {}
    void wake() override { activations_.wake(step_); }

   private:
    Activations& activations_;
    StepIndex step_;
  };

  bool waits_for_upstream(std::size_t step) const;
  std::optional<StepIndex> next_of_round();
  std::optional<StepIndex> next_inner();
  void recompute_next_due();

  std::size_t longest_round_;
  std::size_t round_length_ = 0;
  std::vector<char> ready_;
  std::vector<char> later_;  // ready from the next round on
  std::vector<std::size_t> sources_;
  std::vector<std::size_t> inner_;  // all others, nearest to the sinks first
  std::size_t round_at_;            // next source of the present round
  // For steps with several inputs: the steps above them on this worker, sources excepted.
  std::vector<std::vector<std::size_t>> upstream_;
  std::vector<std::optional<WallTime>> wake_times_;
  std::optional<WallTime> next_due_;
  std::vector<StepWaker> wakers_;
};

}  // namespace cppwax::worker
