// The workers of one process of a simulated cluster, stepped in turns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/worker/worker.hpp"
#include "support/fake_clock.hpp"
#include "support/int_logic.hpp"

namespace cppwax::simulation {

// Belongs to one thread. What is given to it outlives it.
class SimWorkers {
 public:
  struct Settings {
    std::uint32_t first = 0;  // the index of the first over all processes
    std::uint32_t own = 1;
    std::uint32_t all = 1;
    Duration epoch_interval{};
    channel::Amount window = channel::kDefaultWindow;
  };

  SimWorkers(const graph::Plan& plan, const operators::LogicFactory& logic,
             const test::FakeClock& clock, channel::Peers& peers, const Settings& settings)
      : clock_(clock),
        first_(settings.first),
        inboxes_(settings.own),
        results_(settings.own, worker::StepResult::kWorked) {
    for (std::uint32_t w = 0; w < settings.own; ++w) {
      const worker::WorkerSettings each{.seat = {WorkerIndex(first_ + w), settings.all},
                                        .epoch_interval = settings.epoch_interval,
                                        .window = settings.window};
      workers_.push_back(std::make_unique<worker::Worker>(plan, logic, clock, peers, each));
    }
  }
  ~SimWorkers() {
    const test::InScope scope;
    workers_.clear();
    inboxes_.clear();
  }
  SimWorkers(const SimWorkers&) = delete;
  SimWorkers& operator=(const SimWorkers&) = delete;

  std::size_t size() const { return workers_.size(); }
  worker::Worker& at(std::size_t w) { return *workers_[w]; }
  void post(WorkerIndex to, channel::Delivery delivery) {
    inboxes_[to.value() - first_].push_back(std::move(delivery));
  }

  bool has_work(std::size_t w) {
    if (results_[w] == worker::StepResult::kFinished) return false;
    if (results_[w] == worker::StepResult::kWorked || !inboxes_[w].empty()) return true;
    const auto due = due_of(w);
    return due && *due <= clock_.steady();
  }
  bool any_has_work() {
    for (std::size_t w = 0; w < size(); ++w) {
      if (has_work(w)) return true;
    }
    return false;
  }
  std::optional<SteadyTime> next_due() {
    std::optional<SteadyTime> least;
    for (std::size_t w = 0; w < size(); ++w) {
      if (results_[w] == worker::StepResult::kFinished) continue;
      const auto due = due_of(w);
      if (due && (!least || *due < *least)) least = due;
    }
    return least;
  }

  // Errors: UserCodeError.
  void step(std::size_t w) {
    const test::InScope scope;
    results_[w] = workers_[w]->step(std::exchange(inboxes_[w], {}));
  }
  // All of them, whatever fails: `failed` hears of that.
  void close(const std::function<void(std::size_t, const UserCodeError&)>& failed) {
    const test::InScope scope;
    for (std::size_t w = 0; w < size(); ++w) {
      try {
        workers_[w]->close();
      } catch (const UserCodeError& error) {
        failed(w, error);
      }
    }
  }

  // Everything that was to be done is.
  bool finished() const {
    const auto through = [](worker::StepResult result) {
      return result == worker::StepResult::kFinished;
    };
    const auto aborted = [](const auto& each) { return each->aborted(); };
    return std::all_of(results_.begin(), results_.end(), through) &&
           std::none_of(workers_.begin(), workers_.end(), aborted);
  }

 private:
  std::optional<SteadyTime> due_of(std::size_t w) {
    const test::InScope scope;
    return workers_[w]->next_due();
  }

  const test::FakeClock& clock_;
  const std::uint32_t first_;
  // What limits them: as in production, the credit of the senders.
  std::vector<std::deque<channel::Delivery>> inboxes_;
  std::vector<worker::StepResult> results_;
  std::vector<std::unique_ptr<worker::Worker>> workers_;
};

}  // namespace cppwax::simulation
