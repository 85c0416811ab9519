// Keeps what happened in a run over integers.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "engine/base/guarded.hpp"
#include "support/int_logic.hpp"

namespace cppwax::test {

// Thread-safe. The flow outlives it.
class RunRecord final : public Observer {
 public:
  explicit RunRecord(const BuiltFlow& flow) : flow_(flow) {}

  void called(StepIndex step, Seat seat, const std::string& call) override {
    const std::string text = id(step) + "." + call + " @" + std::to_string(seat.worker.value());
    calls_.with([&](auto& calls) { calls.push_back(text); });
  }
  void inspected(StepIndex step, Seat, Epoch epoch, const Ints& items) override {
    const std::string text = id(step) + " " + std::to_string(epoch.value());
    inspected_.with([&](auto& lines) {
      for (const std::int64_t item : items) lines.push_back(text + ": " + std::to_string(item));
    });
  }
  void written(StepIndex step, Seat, const Ints& items) override {
    written_.with([&](auto& all) {
      Ints& list = all[id(step)];
      list.insert(list.end(), items.begin(), items.end());
    });
  }

  // "step.call @worker", oldest first.
  std::vector<std::string> calls() {
    return calls_.with([](auto& calls) { return calls; });
  }
  std::vector<std::string> calls_of(const StepId& step) {
    std::vector<std::string> found;
    for (const std::string& call : calls()) {
      if (call.starts_with(step + ".")) found.push_back(call.substr(step.size() + 1));
    }
    return found;
  }
  std::size_t count(const std::string& call) {
    const auto all = calls();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), call));
  }
  // "step epoch: item"
  std::vector<std::string> inspected_items() {
    return inspected_.with([](auto& lines) { return lines; });
  }
  // What all workers' sinks of the step got, in order of time.
  Ints written(const StepId& step) {
    return written_.with([&](auto& all) { return all[step]; });
  }

 private:
  StepId id(StepIndex step) const { return flow_.specs.at(step.value()).id; }

  const BuiltFlow& flow_;
  Guarded<std::vector<std::string>> calls_;
  Guarded<std::vector<std::string>> inspected_;
  Guarded<std::map<StepId, Ints>> written_;
};

}  // namespace cppwax::test
