// A cluster whose deliveries come in an order and with delays that a seed decides. Payloads that
// leave a process go through the codec; what each pair of workers has under way is counted.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/error.hpp"
#include "simulation/random.hpp"
#include "support/cluster.hpp"
#include "support/memory_partition.hpp"

namespace cppwax::simulation {

// Belongs to one thread. The plan, the logic, the clock and the random numbers outlive it.
class SimCluster final : public test::Cluster {
 public:
  SimCluster(const graph::Plan& plan, const operators::LogicFactory& logic, test::FakeClock& clock,
             const test::ClusterSettings& settings, Random& random)
      : Cluster(plan, logic, clock, settings),
        conversion_(plan, logic.codec()),
        clock_(clock),
        random_(random),
        first_(settings.stores.empty() ? kFirstEpoch : settings.stores[0].execution().first) {
    const std::size_t processes = random.between(1, settings.worker_count);
    for (std::uint32_t w = 0; w < settings.worker_count; ++w) {
      process_.push_back(random.below(processes));
      pace_.push_back(random.one_of<unsigned>({15, 50, 100, 100}));
    }
    percent_delivered_ = random.one_of<unsigned>({15, 30, 70, 100});
    percent_time_passes_ = random.one_of<unsigned>({0, 1, 10, 50});
    percent_stored_ = random.one_of<unsigned>({3, 20, 60});
  }

  // What the workers ask of these is done between their turns. They outlive the cluster.
  void add_partition(test::MemoryPartition& partition) { partitions_.push_back(&partition); }

  // A step of some worker, or none because it is not its turn.
  // Errors: InvariantError where the cluster waits for ever.
  void turn() {
    if (random_.chance(percent_time_passes_)) clock_.advance(Duration(random_.below(3000)));
    if (!partitions_.empty() && random_.chance(percent_stored_)) {
      test::MemoryPartition& partition = *partitions_[random_.below(partitions_.size())];
      if (partition.has_work()) act(partition);
    }
    const std::size_t w = random_.below(size());
    if (finished(w) || !random_.chance(pace_[w])) return;
    Deliveries arrived = some_of_the_mail(w);
    if (arrived.empty() && idle(w) && !is_due(w)) return rest();
    step(w, std::move(arrived));
    check_epochs();
    if (idle(w) && on_idle_) on_idle_(w);
  }

  // How many things the store has done so far.
  std::size_t store_acts() const { return store_acts_; }
  // Whether all workers have said that what was stored of their steps has come to them (P16).
  bool all_loaded() const { return size() == 1 || loaded_.size() == size(); }

  // Called for a worker that has nothing to do before something comes.
  void on_idle(std::function<void(std::size_t worker)> call) { on_idle_ = std::move(call); }

  // Called when nobody has anything to do before time passes.
  void on_rest(std::function<void()> call) { on_rest_ = std::move(call); }

  // The most items that a pair of workers had under way on a channel, by channel.
  const std::map<std::uint32_t, std::int64_t>& peaks() const { return peaks_; }

  // REQUIRES: all workers have finished. Errors: InvariantError if credit has been lost.
  void check_credit() const {
    for (const auto& [pair, items] : under_way_) {
      ENGINE_ASSERT(items == 0, std::get<0>(pair), std::get<1>(pair), std::get<2>(pair), items);
    }
  }

 protected:
  void sending(std::size_t from, std::size_t to, channel::Delivery& delivery) override {
    if (auto* data = std::get_if<channel::DataDelivery>(&delivery)) {
      if (const auto* batch = std::get_if<data::Batch>(&data->message)) {
        std::int64_t& items = under_way_[{data->channel.value(), from, to}];
        items += static_cast<std::int64_t>(batch->payload->size());
        std::int64_t& peak = peaks_[data->channel.value()];
        peak = std::max(peak, items);
      }
    } else if (const auto* control = std::get_if<channel::Control>(&delivery)) {
      if (std::holds_alternative<channel::Loaded>(*control)) loaded_.insert(from);
    } else if (const auto* credit = std::get_if<channel::CreditDelivery>(&delivery)) {
      under_way_[{credit->channel.value(), to, from}] -= credit->amount.items;
    }
    if (!is_remote(from, to)) return;
    const WorkerIndex receiver(static_cast<std::uint32_t>(to));
    delivery =
        worker::Conversion::to_delivery(conversion_.to_message(receiver, std::move(delivery)))
            .second;
  }

 private:
  void act(test::MemoryPartition& partition) {
    ++store_acts_;
    partition.act();
  }

  // Of each sender the oldest, maybe none.
  Deliveries some_of_the_mail(std::size_t to) {
    Deliveries some;
    const std::size_t first = random_.below(size() + 1);
    for (std::size_t i = 0; i <= size(); ++i) {
      Deliveries& waiting = queue((first + i) % (size() + 1), to);
      if (waiting.empty() || !random_.chance(percent_delivered_)) continue;
      if (is_remote((first + i) % (size() + 1), to) && random_.chance(30)) overtake(waiting);
      const auto count = static_cast<std::ptrdiff_t>(random_.between(1, waiting.size()));
      std::move(waiting.begin(), waiting.begin() + count, std::back_inserter(some));
      waiting.erase(waiting.begin(), waiting.begin() + count);
    }
    return some;
  }

  bool is_remote(std::size_t from, std::size_t to) const {
    return from < size() && process_[from] != process_[to];
  }
  // What goes beside the channels may go first on the way between processes.
  static void overtake(Deliveries& waiting) {
    std::stable_partition(waiting.begin(), waiting.end(), [](const channel::Delivery& each) {
      return std::holds_alternative<channel::Control>(each) ||
             std::holds_alternative<channel::CreditDelivery>(each);
    });
  }

  bool is_due(std::size_t w) {
    const test::InScope scope;
    const auto due = at(w).next_due();
    return due && *due <= clock_.steady();
  }

  // Nobody has anything to do: time passes until somebody has.
  void rest() {
    for (std::size_t w = 0; w < size(); ++w) {
      if (finished(w)) continue;
      if (!idle(w)) return;
      for (std::size_t from = 0; from <= size(); ++from) {
        if (!queue(from, w).empty()) return;
      }
    }
    for (test::MemoryPartition* partition : partitions_) {
      if (partition->has_work()) return act(*partition);
    }
    if (on_rest_) on_rest_();
    const auto due = next_due();
    if (!due) throw InvariantError("the cluster waits for ever");
    if (*due > clock_.steady()) clock_.advance(*due - clock_.steady());
  }

  // P7: an epoch is open only when all but the one before it are through.
  void check_epochs() {
    for (std::size_t w = 0; w < size(); ++w) {
      const Epoch opened = at(w).opened();
      ENGINE_ASSERT(opened == first_ || at(0).probe_passed(Epoch(opened.value() - 1)), w, opened);
    }
  }

  worker::Conversion conversion_;
  test::FakeClock& clock_;
  Random& random_;
  Epoch first_;
  std::vector<test::MemoryPartition*> partitions_;
  std::size_t store_acts_ = 0;
  std::set<std::size_t> loaded_;
  std::function<void(std::size_t)> on_idle_;
  std::function<void()> on_rest_;
  std::vector<std::size_t> process_;
  std::vector<unsigned> pace_;  // percent of its turns that a worker takes
  unsigned percent_delivered_ = 100;
  unsigned percent_time_passes_ = 0;
  unsigned percent_stored_ = 100;
  // By channel, sender, receiver; in items.
  std::map<std::tuple<std::uint32_t, std::size_t, std::size_t>, std::int64_t> under_way_;
  std::map<std::uint32_t, std::int64_t> peaks_;
};

}  // namespace cppwax::simulation
