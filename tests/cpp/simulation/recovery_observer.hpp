// What is checked while a simulated run with recovery goes on.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "simulation/sim_observer.hpp"
#include "support/memory_partition.hpp"

namespace cppwax::simulation {

// Also sees that only what is durable is called so, that paused sources close their epochs, and
// that where a source began that starts now is durable before anything waits for a time.
class RecoveryObserver final : public SimObserver {
 public:
  RecoveryObserver(const test::BuiltFlow& flow, bool count_in_flight, bool interval_zero,
                   const std::vector<test::StoredPartition>& store)
      : SimObserver(flow, count_in_flight, interval_zero), store_(store) {}

  void committed(StepIndex step, test::Seat seat, Epoch epoch) override {
    const auto [before, is_first] = committed_.emplace(std::pair(seat.worker, step), epoch);
    if (is_first && resumed_from) ENGINE_ASSERT(epoch == *resumed_from, epoch, *resumed_from);
    ENGINE_ASSERT(is_first || epoch > before->second, epoch, before->second);
    before->second = epoch;
    claimed = std::max(claimed, epoch);
    for (const test::StoredPartition& each : store_) {
      ENGINE_ASSERT(each.history.durable >= epoch, each.history.durable, epoch);
    }
  }

  void polled(StepIndex step, test::Seat seat, const Ints& items) override {
    SimObserver::polled(step, seat, items);
    unstored_[{seat.worker, step}] = opened(seat.worker);
  }
  void began(StepIndex step, test::Seat seat) override {
    has_begun = true;
    unstored_[{seat.worker, step}] = first;
  }
  void called(StepIndex step, test::Seat seat, const std::string& call) override {
    SimObserver::called(step, seat, call);
    if (call == "snapshot") unstored_.erase({seat.worker, step});
    if (call.starts_with("build part") && is_source(step)) ENGINE_ASSERT(may_build_sources());
  }
  // P5: what was read in epochs before this one is stored. REQUIRES: the worker has nothing to do.
  void check_positions(WorkerIndex worker) const {
    for (const auto& [where, epoch] : unstored_) {
      ENGINE_ASSERT(where.first != worker || epoch >= opened(worker), worker, where.second, epoch);
    }
  }

  // P7: nobody waits for an interval, or for items, with a place that the next run needs. REQUIRES:
  // nothing is to be done before a time that is due.
  void check_beginnings() const {
    if (!has_begun) return;
    for (const test::StoredPartition& each : store_) {
      ENGINE_ASSERT(each.history.durable >= first, each.history.durable, first);
    }
  }
  // Every sink was told that all is durable. REQUIRES: the run has come to its end.
  void check_committed(Epoch last) const {
    for (const auto& [where, epoch] : committed_) {
      ENGINE_ASSERT(epoch == last, where.first, where.second, epoch, last);
    }
  }

  Epoch claimed{};
  // Of this execution.
  Epoch first{};
  bool has_begun = false;  // a part that starts now
  // The cut of a resume.
  std::optional<Epoch> resumed_from;
  // The last epoch that a worker knows to be open.
  std::function<Epoch(WorkerIndex)> opened;
  std::function<bool()> may_build_sources;

 private:
  // By worker and sink: the last epoch that it was told.
  std::map<std::pair<WorkerIndex, StepIndex>, Epoch> committed_;
  // By worker and source: the epoch of the last poll, until the position is stored.
  std::map<std::pair<WorkerIndex, StepIndex>, Epoch> unstored_;
  const std::vector<test::StoredPartition>& store_;
};

}  // namespace cppwax::simulation
