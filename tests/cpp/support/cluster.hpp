// The workers of a cluster in one thread: the test decides who steps, and what has arrived by then.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/worker/worker.hpp"
#include "support/fake_clock.hpp"
#include "support/int_logic.hpp"

namespace cppwax::test {

struct ClusterSettings {
  std::uint32_t worker_count = 1;
  Duration epoch_interval = std::chrono::seconds(10);
  channel::Amount window = channel::kDefaultWindow;
  // By worker; none: without recovery. They outlive the cluster.
  std::vector<operators::StoreAccess> stores{};
};

// Belongs to one thread. The plan, the logic and the clock outlive it.
class Cluster : public channel::Peers {
 public:
  using Deliveries = std::deque<channel::Delivery>;

  Cluster(const graph::Plan& plan, const operators::LogicFactory& logic, FakeClock& clock,
          const ClusterSettings& settings)
      : clock_(clock),
        queues_((settings.worker_count + 1) * settings.worker_count),
        results_(settings.worker_count, worker::StepResult::kWorked),
        stepping_(settings.worker_count) {
    for (std::uint32_t w = 0; w < settings.worker_count; ++w) {
      const worker::WorkerSettings mine{
          .seat = {WorkerIndex(w), settings.worker_count},
          .epoch_interval = settings.epoch_interval,
          .window = settings.window,
          .store = settings.stores.empty() ? nullptr : &settings.stores[w]};
      workers_.push_back(std::make_unique<worker::Worker>(plan, logic, clock, *this, mine));
    }
  }

  // What a worker sends while it steps, and what comes from outside while none does.
  void post(WorkerIndex to, channel::Delivery delivery) final {
    sending(stepping_, to.value(), delivery);
    queue(stepping_, to.value()).push_back(std::move(delivery));
  }

  std::size_t size() const { return workers_.size(); }
  worker::Worker& at(std::size_t worker) { return *workers_[worker]; }
  // On its way between two workers; `from` size() is the outside.
  Deliveries& queue(std::size_t from, std::size_t to) { return queues_[from * size() + to]; }
  bool finished(std::size_t worker) const {
    return results_[worker] == worker::StepResult::kFinished;
  }
  bool idle(std::size_t worker) const { return results_[worker] == worker::StepResult::kIdle; }
  bool all_finished() const {
    return std::all_of(results_.begin(), results_.end(), [](worker::StepResult result) {
      return result == worker::StepResult::kFinished;
    });
  }

  // One step, with what is given as arrived.
  worker::StepResult step(std::size_t worker, Deliveries arrived) {
    const InScope scope;
    const Stepping stepping(*this, worker);
    results_[worker] = workers_[worker]->step(std::move(arrived));
    return results_[worker];
  }
  // One step, with everything that is on its way.
  worker::StepResult step(std::size_t worker) { return step(worker, take_all(worker)); }

  Deliveries take_all(std::size_t to) {
    Deliveries all;
    for (std::size_t from = 0; from <= size(); ++from) {
      Deliveries& waiting = queue(from, to);
      std::move(waiting.begin(), waiting.end(), std::back_inserter(all));
      waiting.clear();
    }
    return all;
  }

  // Until nothing is to be done at this time.
  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t w = 0; w < size(); ++w) {
        if (finished(w)) continue;
        Deliveries arrived = take_all(w);
        const bool had = !arrived.empty();
        if (step(w, std::move(arrived)) == worker::StepResult::kWorked || had) moved = true;
      }
    }
  }

  // When a worker may go on although nothing arrives.
  std::optional<SteadyTime> next_due() {
    const InScope scope;
    std::optional<SteadyTime> least;
    for (std::size_t w = 0; w < size(); ++w) {
      if (finished(w)) continue;
      const auto due = workers_[w]->next_due();
      if (due && (!least || *due < *least)) least = due;
    }
    return least;
  }

  // Moves the clock to each time at which something is due, until all workers have finished.
  // Returns whether they did: if not, they wait for ever.
  bool run() {
    settle();
    while (!all_finished()) {
      const auto due = next_due();
      if (!due) return false;
      if (*due > clock_.steady()) clock_.advance(*due - clock_.steady());
      settle();
    }
    return true;
  }

  // Of all workers; the first error comes out at the end.
  void close() {
    const InScope scope;
    std::exception_ptr failure;
    for (auto& each : workers_) {
      try {
        each->close();
      } catch (...) {
        if (!failure) failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
  }

 protected:
  // Sees, and may change, what goes out; `from` size() is the outside.
  virtual void sending(std::size_t, std::size_t, channel::Delivery&) {}

 private:
  // Knows who sends, for the time of a step.
  class Stepping {
   public:
    Stepping(Cluster& cluster, std::size_t worker) : cluster_(cluster) {
      cluster_.stepping_ = worker;
    }
    ~Stepping() { cluster_.stepping_ = cluster_.size(); }
    Stepping(const Stepping&) = delete;
    Stepping& operator=(const Stepping&) = delete;

   private:
    Cluster& cluster_;
  };

  FakeClock& clock_;
  std::vector<std::unique_ptr<worker::Worker>> workers_;
  std::vector<Deliveries> queues_;  // by sender (the outside last), by receiver
  std::vector<worker::StepResult> results_;
  std::size_t stepping_;
};

}  // namespace cppwax::test
