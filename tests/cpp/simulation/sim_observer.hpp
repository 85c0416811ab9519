// What a simulated run did, as its user code saw it.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/base/error.hpp"
#include "simulation/model.hpp"
#include "simulation/random_flow.hpp"
#include "support/int_logic.hpp"

namespace cppwax::simulation {

// Keeps the facts of a run and checks, item by item, that at most two epochs are in flight (P7); at
// interval 0 at most one.
class SimObserver : public test::Observer {
 public:
  SimObserver(const test::BuiltFlow& flow, bool count_in_flight, bool interval_zero)
      : flow_(flow), model_(flow), count_(count_in_flight), interval_zero_(interval_zero) {}

  void called(StepIndex step, test::Seat, const std::string& call) override {
    ++calls;
    if (call == "on_eof") eof_calls_[id(step)]++;
    if (call == "build" || call.starts_with("build ")) builds_[id(step)]++;
    if (call == "close") closes_[id(step)]++;
    if (call == "close" && graph::is_source(spec(step).kind)) closed_sources_[id(step)]++;
  }
  void polled(StepIndex step, test::Seat, const Ints& items) override {
    Ints& all = facts.polled[id(step)];
    all.insert(all.end(), items.begin(), items.end());
    batches_.insert(items);
  }
  // Joined or not, user code that sees batches sees the source's.
  void mapped(StepIndex step, test::Seat, const Ints& items) override {
    const test::StepSpec& mapper = spec(step);
    if (!mapper.inputs[0].starts_with("look.")) return;
    ENGINE_ASSERT(!mapper.sees_batches || batches_.contains(items), mapper.id, items.size());
    joins += !batches_.contains(items);
  }
  void left_over(StepIndex step, test::Seat, const Ints& items) override {
    Ints& all = facts.left_over[id(step)];
    all.insert(all.end(), items.begin(), items.end());
  }
  void inspected(StepIndex step, test::Seat, Epoch epoch, const Ints& items) override {
    if (!count_) return;
    const std::uint64_t gone = epoch.value() - (interval_zero_ ? 0 : 1);
    for (const auto& [before, left] : in_flight_) {
      ENGINE_ASSERT(before >= gone || left == 0, epoch, before, left);
    }
    for (const std::int64_t item : items) {
      const auto arrivals = static_cast<std::int64_t>(arrivals_of(spec(step).inputs[0], item));
      in_flight_[epoch.value()] += arrivals;
      epoch_of_[origin_of(item)] = epoch.value();
    }
  }
  void written(StepIndex step, test::Seat, const Ints& items) override {
    Ints& all = written_items[id(step)];
    all.insert(all.end(), items.begin(), items.end());
    if (!count_) return;
    for (const std::int64_t item : items) {
      const auto epoch = epoch_of_.find(origin_of(item));
      if (epoch != epoch_of_.end()) --in_flight_[epoch->second];
    }
  }

  // It failed.
  void forget_build(const StepId& step) { --builds_[step]; }

  // On how many workers a keyed step's `on_eof` was called.
  int eof_calls(const StepId& step) { return eof_calls_[step]; }
  // Of source parts and sinks.
  bool all_closed() {
    return std::all_of(flow_.specs.begin(), flow_.specs.end(), [&](const test::StepSpec& each) {
      const bool has_close = graph::is_source(each.kind) || graph::is_sink(each.kind);
      return !has_close || builds_[each.id] == closes_[each.id];
    });
  }
  // Whether the source's parts were all at their end when the sources ended by themselves.
  bool all_parts_closed(const StepId& source) { return closed_sources_[source] == builds_[source]; }

  Facts facts;
  Outcome written_items;
  int joins = 0;  // batches that were joined
  std::size_t calls = 0;

 protected:
  bool is_source(StepIndex step) const { return graph::is_source(spec(step).kind); }

 private:
  StepId id(StepIndex step) const { return spec(step).id; }
  const test::StepSpec& spec(StepIndex step) const { return flow_.specs.at(step.value()); }

  std::size_t arrivals_of(const StepId& source, std::int64_t item) {
    Facts one;
    one.polled[source] = {item};
    std::size_t arrivals = 0;
    for (const auto& [sink, items] : model_.outcome(one)) arrivals += items.size();
    return arrivals;
  }

  const test::BuiltFlow& flow_;
  Model model_;
  bool count_;
  bool interval_zero_;
  std::set<Ints> batches_;  // as polled
  std::map<StepId, int> eof_calls_;
  std::map<StepId, int> builds_;
  std::map<StepId, int> closes_;
  std::map<StepId, int> closed_sources_;
  std::map<std::uint64_t, std::int64_t> in_flight_;  // items on their way to sinks, by epoch
  std::map<std::uint64_t, std::uint64_t> epoch_of_;  // by origin
};

}  // namespace cppwax::simulation
