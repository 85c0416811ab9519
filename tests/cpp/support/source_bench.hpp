// A source step on its own, with scripted parts.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/operators/source.hpp"
#include "support/int_flow.hpp"
#include "support/int_logic.hpp"
#include "support/run_record.hpp"
#include "support/step_bench.hpp"

namespace cppwax::test {

// One source step with scripted parts "a", "b", ….
struct SourceBench {
  using Before = std::function<void(const std::string& call, Seat)>;

  explicit SourceBench(std::vector<Script> scripts, channel::Amount window = {100, 10000},
                       Before before = {}, bool recovery = false, bool starts_now = false)
      : begins_now(starts_now),
        flow(flow_with(std::move(before))),
        record(flow),
        down(window),
        step("in", parts(std::move(scripts)), outputs_to({&down}, {}, recovery ? &stored : nullptr),
             host, kFirstEpoch) {
    step.open();
  }

  static BuiltFlow flow_with(Before before) {
    Flow flow;
    flow.source("in", Flow::Scripts{});
    flow.last().before = std::move(before);
    flow.sink("out", "in");
    return flow.build();
  }
  std::vector<operators::SourceStep::Named> parts(std::vector<Script> scripts) {
    scripts_ = std::move(scripts);
    flow.specs[0].script = [this](Seat, const std::string& name) {
      return scripts_.at(static_cast<std::size_t>(name[0] - 'a'));
    };
    logic.emplace(flow, host.time, record);
    std::vector<operators::SourceStep::Named> all;
    for (std::size_t i = 0; i < scripts_.size(); ++i) {
      const std::string name(1, static_cast<char>('a' + i));
      all.push_back({name, logic->source_part(StepIndex(0), {}, name, std::nullopt), begins_now});
    }
    return all;
  }
  // One activation, and what came of it.
  std::vector<std::string> turn() {
    again = step.activate() == operators::Activity::kAgain;
    return down.take();
  }
  std::size_t polls() { return record.count("in.next_batch @0"); }
  std::size_t closes() { return record.count("in.close @0"); }

  const bool begins_now;
  std::vector<Script> scripts_;
  InScope scope;
  FakeHost host;
  BuiltFlow flow;
  RunRecord record;
  std::optional<IntLogic> logic;
  Drain down;
  Drain stored;
  operators::SourceStep step;
  bool again = false;
};

}  // namespace cppwax::test
