// What a flow gives, computed item by item without an engine, an epoch or a worker.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "support/int_flow.hpp"

namespace cppwax::simulation {

using test::Ints;

// What went into a run and what it left undone.
struct Facts {
  std::map<StepId, Ints> polled;     // by source
  std::map<StepId, Ints> left_over;  // by keyed step: what it still held
  std::set<StepId> saw_eof;          // keyed steps whose `on_eof` was called
};

// Items by step: what sinks get and what other steps emit at all ports. In no order.
using Outcome = std::map<StepId, Ints>;

class Model {
 public:
  explicit Model(const test::BuiltFlow& flow) : flow_(flow) {}

  Outcome outcome(const Facts& facts) const {
    std::map<std::string, Ints> streams;
    Outcome outcome;
    for (const test::StepSpec& spec : flow_.specs) {
      Ints inputs;
      for (const std::string& up : spec.inputs) append(inputs, streams[up]);
      if (spec.kind == graph::StepKind::kBranch) {
        for (const std::int64_t item : inputs) {
          streams[spec.outputs[spec.predicate(item) ? 0 : 1]].push_back(item);
        }
        continue;
      }
      Ints outputs = outputs_of(spec, std::move(inputs), facts);
      std::sort(outputs.begin(), outputs.end());
      if (graph::is_sink(spec.kind)) {
        outcome[spec.id] = std::move(outputs);
      } else {
        streams[spec.outputs[0]] = std::move(outputs);
      }
    }
    return outcome;
  }

  // The sources from which items come to a step.
  std::set<StepId> sources_of(const StepId& id) const {
    std::set<std::string> wanted{id};
    std::set<StepId> sources;
    for (std::size_t i = flow_.specs.size(); i-- > 0;) {
      const test::StepSpec& spec = flow_.specs[i];
      const bool is_above = wanted.contains(spec.id) ||
                            std::any_of(spec.outputs.begin(), spec.outputs.end(),
                                        [&](const auto& s) { return wanted.contains(s); });
      if (!is_above) continue;
      wanted.insert(spec.inputs.begin(), spec.inputs.end());
      if (graph::is_source(spec.kind)) sources.insert(spec.id);
    }
    return sources;
  }

 private:
  static void append(Ints& to, const Ints& items) {
    to.insert(to.end(), items.begin(), items.end());
  }

  static Ints outputs_of(const test::StepSpec& spec, Ints inputs, const Facts& facts) {
    switch (spec.kind) {
      case graph::StepKind::kSourceDynamic:
      case graph::StepKind::kSourcePartitioned: {
        const auto polled = facts.polled.find(spec.id);
        return polled == facts.polled.end() ? Ints() : polled->second;
      }
      case graph::StepKind::kFlatMapBatch: {
        Ints outputs;
        for (const std::int64_t item : inputs) spec.flat_map(item, outputs);
        return outputs;
      }
      case graph::StepKind::kStatefulBatch:
        return keyed_outputs(spec, std::move(inputs), facts);
      default:
        return inputs;
    }
  }

  static Ints keyed_outputs(const test::StepSpec& spec, Ints inputs, const Facts& facts) {
    std::sort(inputs.begin(), inputs.end());
    if (spec.body.on_due) {  // holds items; what it does not hold any more it has emitted
      Ints left = facts.left_over.contains(spec.id) ? facts.left_over.at(spec.id) : Ints();
      std::sort(left.begin(), left.end());
      Ints outputs;
      std::set_difference(inputs.begin(), inputs.end(), left.begin(), left.end(),
                          std::back_inserter(outputs));
      return outputs;
    }
    if (!facts.saw_eof.contains(spec.id)) return inputs;
    std::map<std::int64_t, test::KeyState> states;
    for (const std::int64_t item : inputs) states[spec.key(item)].sum += test::value_of(item);
    for (auto& [key, state] : states) spec.body.on_eof(key, state, inputs);
    return inputs;
  }

  const test::BuiltFlow& flow_;
};

}  // namespace cppwax::simulation
