// Flows over integers for tests: a small language for plans, and what each step's user code does.
// int_logic.hpp turns it into the logic that the engine runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/graph/plan.hpp"
#include "engine/operators/logic.hpp"
#include "support/int_payload.hpp"

namespace cppwax::test {

// Items of keyed steps: key and value in one integer. REQUIRES: 0 <= value < 2^32.
constexpr std::int64_t keyed(std::int64_t key, std::int64_t value) {
  return key * (std::int64_t{1} << 32) + value;
}
constexpr std::int64_t key_of(std::int64_t item) {
  return item >> 32;
}
constexpr std::int64_t value_of(std::int64_t item) {
  return item & 0xffffffff;
}

// What one `next_batch` gives, and what `next_awake` says after it.
struct Poll {
  enum class Kind { kItems, kEof, kAbort };
  Kind kind = Kind::kItems;
  Ints items;
  std::optional<Duration> sleep;
};

// The polls of one source partition; after the last one comes the end of data.
using Script = std::vector<Poll>;

inline Poll gives(Ints items, std::optional<Duration> sleep = std::nullopt) {
  return {Poll::Kind::kItems, std::move(items), sleep};
}
inline Poll sleeps(Duration how_long) {
  return gives({}, how_long);
}
inline Poll has_nothing() {
  return gives({});
}
inline Poll aborts() {
  return {Poll::Kind::kAbort, {}, std::nullopt};
}
inline Poll ends() {
  return {Poll::Kind::kEof, {}, std::nullopt};
}

// What a keyed step knows of one key.
struct KeyState {
  std::int64_t sum = 0;
  Ints held;
  std::optional<WallTime> due;
};

struct KeyedSpec {
  using OnKey = std::function<void(std::int64_t key, KeyState&, Ints& out)>;
  // Default: emits the key with the sum so far.
  std::function<void(std::int64_t key, KeyState&, std::int64_t item, Ints& out)> on_item;
  // After each item the key is due this much later, and `on_due` is called for it once.
  std::optional<Duration> due_after;
  OnKey on_due;
  OnKey on_eof;
  // What `on_due` leaves as the next due time; default: none.
  std::function<std::optional<WallTime>(WallTime now)> due_again;
  // After `on_eof`, and after `on_due`, the key is forgotten.
  bool discards_at_eof = false;
  bool discards_when_due = false;
};

using operators::Seat;

struct StepSpec {
  StepId id;
  graph::StepKind kind;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;

  // Sources and partitioned sinks; a dynamic source's part has an empty name.
  std::function<Script(Seat, const std::string& part)> script{};
  std::function<std::vector<std::string>(Seat)> list_parts{};
  bool starts_now = false;
  // flat_map_batch, item by item.
  std::function<void(std::int64_t item, Ints& out)> flat_map{};
  std::function<bool(std::int64_t item)> predicate{};
  // What keyed steps and partitioned sinks route by; default: key_of.
  std::function<std::int64_t(std::int64_t item)> key{};
  KeyedSpec body{};
  // Of flat_map_batch, keyed steps and sinks.
  bool sees_batches = true;
  // How many results flat_map_batch and keyed steps gather before they emit.
  std::size_t gathered = 64 * 1024;
  // Called before each piece of user code with its name ("build", "next_batch", "close", …). What
  // it throws comes out as that code's failure.
  std::function<void(const std::string& call, Seat)> before{};
};

// A plan with what its steps do, by their index in the plan.
struct BuiltFlow {
  graph::Plan plan;
  std::vector<StepSpec> specs;

  StepIndex index_of(const StepId& id) const {
    for (std::uint32_t i = 0; i < specs.size(); ++i) {
      if (specs[i].id == id) return StepIndex(i);
    }
    throw ConfigError("no step " + id);
  }
};

// Each method adds a step and returns its stream (a branch has two: name, name + ".else").
class Flow {
 public:
  using Scripts = std::map<std::string, Script>;

  // Every worker lists all partitions.
  std::string source(const StepId& id, Scripts scripts) {
    StepSpec& spec = add(id, graph::StepKind::kSourcePartitioned, {}, {id});
    spec.list_parts = [scripts](Seat) {
      std::vector<std::string> names;
      for (const auto& [name, script] : scripts) names.push_back(name);
      return names;
    };
    spec.script = [scripts](Seat, const std::string& part) { return scripts.at(part); };
    return id;
  }
  std::string source(const StepId& id, Script script) {
    return source(id, Scripts{{"part", std::move(script)}});
  }
  std::string dynamic_source(const StepId& id, std::function<Script(Seat)> script) {
    add(id, graph::StepKind::kSourceDynamic, {}, {id}).script =
        [script = std::move(script)](Seat seat, const std::string&) { return script(seat); };
    return id;
  }
  std::string flat_map(const StepId& id, const std::string& up,
                       std::function<void(std::int64_t, Ints&)> mapper) {
    add(id, graph::StepKind::kFlatMapBatch, {up}, {id}).flat_map = std::move(mapper);
    return id;
  }
  std::string map(const StepId& id, const std::string& up,
                  std::function<std::int64_t(std::int64_t)> mapper) {
    return flat_map(id, up, [mapper = std::move(mapper)](std::int64_t item, Ints& out) {
      out.push_back(mapper(item));
    });
  }
  std::string branch(const StepId& id, const std::string& up,
                     std::function<bool(std::int64_t)> predicate) {
    add(id, graph::StepKind::kBranch, {up}, {id, id + ".else"}).predicate = std::move(predicate);
    return id;
  }
  std::string keyed_step(const StepId& id, const std::string& up, KeyedSpec body = {}) {
    add(id, graph::StepKind::kStatefulBatch, {up}, {id}).body = std::move(body);
    return id;
  }
  std::string merge(const StepId& id, std::vector<std::string> ups) {
    return pass(id, graph::StepKind::kMerge, std::move(ups));
  }
  std::string noop(const StepId& id, const std::string& up) {
    return pass(id, graph::StepKind::kNoop, {up});
  }
  std::string redistribute(const StepId& id, const std::string& up) {
    return pass(id, graph::StepKind::kRedistribute, {up});
  }
  std::string inspect(const StepId& id, const std::string& up) {
    return pass(id, graph::StepKind::kInspectDebug, {up});
  }
  void sink(const StepId& id, const std::string& up) {
    add(id, graph::StepKind::kSinkDynamic, {up}, {});
  }
  void partitioned_sink(const StepId& id, const std::string& up, std::vector<std::string> parts) {
    add(id, graph::StepKind::kSinkPartitioned, {up}, {}).list_parts = [parts](Seat) {
      return parts;
    };
  }

  StepSpec& add(StepId id, graph::StepKind kind, std::vector<std::string> inputs,
                std::vector<std::string> outputs) {
    specs_.push_back({std::move(id), kind, std::move(inputs), std::move(outputs)});
    return specs_.back();
  }
  StepSpec& last() { return specs_.back(); }
  StepSpec& at(const StepId& id) {
    for (StepSpec& spec : specs_) {
      if (spec.id == id) return spec;
    }
    throw ConfigError("no step " + id);
  }

  const std::vector<StepSpec>& specs() const { return specs_; }

  BuiltFlow build() const {
    graph::PlanBuilder builder("flow");
    for (const StepSpec& spec : specs_) builder.add(spec.id, spec.kind, spec.inputs, spec.outputs);
    std::vector<std::size_t> order;
    BuiltFlow built{std::move(builder).build(&order), {}};
    for (const std::size_t place : order) built.specs.push_back(specs_[place]);
    return built;
  }

 private:
  std::string pass(const StepId& id, graph::StepKind kind, std::vector<std::string> ups) {
    add(id, kind, std::move(ups), {id});
    return id;
  }

  std::vector<StepSpec> specs_;
};

}  // namespace cppwax::test
