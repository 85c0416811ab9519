#include "engine/worker/meters.hpp"

#include <algorithm>

namespace cppwax::worker {

namespace {

bool is_users(graph::StepKind kind) {
  using graph::StepKind;
  return kind != StepKind::kProbe && kind != StepKind::kSnapshotLoader &&
         kind != StepKind::kRestore && kind != StepKind::kSnapshotWriter;
}

}  // namespace

operators::Meter* WorkerMeters::find(const StepId& step) {
  const auto found = std::find(ids.begin(), ids.end(), step);
  return found == ids.end() ? nullptr : &of_steps[static_cast<std::size_t>(found - ids.begin())];
}

MeteredSteps::MeteredSteps(const graph::Plan& plan, const Clock& clock, WorkerMeters* meters)
    : clock_(clock), meters_(meters) {
  if (!meters_) return;
  for (const graph::Step& step : plan.steps()) {
    places_.push_back({meters_->find(graph::first_id(step)), !step.links.empty()});
  }
}

MeteredSteps::~MeteredSteps() {
  for (const Place& place : places_) {
    if (place.meter) place.meter->set_held(false, clock_);
  }
}

operators::Activity MeteredSteps::activate(StepIndex index, operators::Step& step) {
  const Place place = places_.empty() ? Place{} : places_[index.value()];
  if (!place.meter) return step.activate();
  const operators::Timed time(place.is_chain ? nullptr : place.meter, clock_,
                              operators::Timed::As::kWork);
  const operators::Activity activity = step.activate();
  place.meter->set_held(step.held(), clock_);
  if (const auto lag = step.watermark_lag()) place.meter->lags(*lag);
  return activity;
}

Meters::Meters(const graph::Plan& plan, WorkerIndex first, std::uint32_t worker_count)
    : first_(first) {
  for (const graph::Step& step : plan.steps()) {
    if (step.kind == graph::StepKind::kChain) {
      for (const graph::ChainLink& link : step.links) steps_.push_back(link.id);
    } else if (is_users(step.kind)) {
      steps_.push_back(step.id);
    }
  }
  for (std::uint32_t w = 0; w < worker_count; ++w) {
    workers_.push_back(std::make_unique<WorkerMeters>(steps_));
  }
}

}  // namespace cppwax::worker
