// The meters of a run: of each step of the user's flow on each worker of this process.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/base/ids.hpp"
#include "engine/graph/plan.hpp"
#include "engine/operators/meter.hpp"
#include "engine/operators/step.hpp"

namespace cppwax::worker {

// How far a worker is.
enum class WorkerPhase {
  kStarting,  // waits for others, or loads what was stored
  kRunning,
  kStopping,  // a stop was asked for
  kEnded,
};

// Of one worker. Written by it, read by any thread.
struct WorkerMeters {
  // `steps` outlives it.
  explicit WorkerMeters(const std::vector<StepId>& steps) : ids(steps), of_steps(steps.size()) {}

  // Null: it has none.
  operators::Meter* find(const StepId& step);

  const std::vector<StepId>& ids;
  std::vector<operators::Meter> of_steps;  // one for each of `ids`
  // The last epoch opened, and the last one that is through everywhere; 0: none of this run.
  std::atomic<std::uint64_t> opened{0};
  std::atomic<std::uint64_t> through{0};
  std::atomic<WorkerPhase> phase{WorkerPhase::kStarting};
};

// Activates the steps of one worker, and meters them where somebody watches.
class MeteredSteps {
 public:
  // All outlive it. `meters` may be null: nobody watches.
  MeteredSteps(const graph::Plan& plan, const Clock& clock, WorkerMeters* meters);
  // Steps of a run that failed are held no longer.
  ~MeteredSteps();
  MeteredSteps(const MeteredSteps&) = delete;
  MeteredSteps& operator=(const MeteredSteps&) = delete;

  operators::Activity activate(StepIndex index, operators::Step& step);
  void opened(Epoch epoch) {
    if (meters_) meters_->opened = epoch.value();
  }
  void through(Epoch epoch) {
    if (meters_) meters_->through = epoch.value();
  }
  void enters(WorkerPhase phase) {
    if (meters_) meters_->phase = phase;
  }

 private:
  const Clock& clock_;
  WorkerMeters* meters_;
  struct Place {
    operators::Meter* meter;  // null: it has none
    bool is_chain;            // which measures the time of its parts by itself
  };
  std::vector<Place> places_;  // by step; empty: nobody watches
};

// Thread-safe.
class Meters {
 public:
  // Steps that run as one have meters each; those that recovery and progress add have none.
  Meters(const graph::Plan& plan, WorkerIndex first, std::uint32_t worker_count);

  const std::vector<StepId>& steps() const { return steps_; }
  WorkerIndex first() const { return first_; }
  std::size_t worker_count() const { return workers_.size(); }

  // By place among the workers of this process.
  WorkerMeters& worker(std::size_t place) { return *workers_[place]; }

 private:
  std::vector<StepId> steps_;  // in order of the plan
  WorkerIndex first_;
  std::vector<std::unique_ptr<WorkerMeters>> workers_;
};

}  // namespace cppwax::worker
