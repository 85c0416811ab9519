// The dataflow as the engine runs it: steps in topological order, streams between them, channels
// to their consumers. Immutable, the same on every worker; knows no logic and no thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/ids.hpp"

namespace cppwax::graph {

enum class StepKind {
  kNoop,
  kBranch,
  kFlatMapBatch,
  kInspectDebug,
  kMerge,
  kRedistribute,
  kStatefulBatch,
  kSourcePartitioned,
  kSourceDynamic,
  kSinkPartitioned,
  kSinkDynamic,
  // Not the user's: takes the frontiers of all last steps of all workers.
  kProbe,
  // Not the user's either: several steps in a row that run as one (fusion.hpp).
  kChain,
  // Nor these, of a run with recovery (snapshot_streams.hpp): read recovery partitions at the
  // start, hand what was read to its steps, write snapshots.
  kSnapshotLoader,
  kRestore,
  kSnapshotWriter,
};

// How items find the worker that works on them.
enum class Route {
  kLocal,        // stay on their worker
  kKeyed,        // to the owner of their key
  kPartitioned,  // to the worker that owns their sink partition
  kBalanced,     // spread evenly
  kEverywhere,   // no items at all, frontiers and ends to every worker
  kStored,       // to the worker that has the entry's recovery partition
  kRestored,     // to the worker that owns the entry's key or partition
};

const char* name_of(StepKind kind);
bool is_source(StepKind kind);
bool is_sink(StepKind kind);
// Whether a recovery store has something of it: states of keys, or positions of partitions.
bool keeps_state(StepKind kind);

// One consumer of a stream.
struct Channel {
  StepIndex from;
  std::size_t from_port;  // index into the producer's outputs
  StepIndex to;
  std::size_t to_port;  // index into the consumer's inputs
  Route route;
};

// A step that runs as a part of a chain.
struct ChainLink {
  StepId id;
  StepKind kind;
  StepIndex logic;
};

struct Step {
  StepId id;
  StepKind kind;
  std::vector<StreamIndex> inputs;        // in argument order
  std::vector<StreamIndex> outputs;       // in port order
  std::vector<ChannelIndex> in_channels;  // one for each input (a probe: all of its)
  // By output port, then by consumer. A last step has one entry more than it has outputs: the port
  // of its channel to the probe, on which no item is ever emitted.
  std::vector<std::vector<ChannelIndex>> out_channels;
  // The step's place in the plan as it was built: what the LogicFactory knows it by.
  StepIndex logic{};
  std::vector<ChainLink> links{};  // of a chain, in order
};

// Of what the user wrote: where items come into the step, and where they leave it.
inline const StepId& first_id(const Step& step) {
  return step.links.empty() ? step.id : step.links.front().id;
}
inline const StepId& last_id(const Step& step) {
  return step.links.empty() ? step.id : step.links.back().id;
}

// Invariants: (1) a stream has one producer; (2) channels go from smaller to greater step indices;
// (3) the last step is the probe, and each step without consumers has a channel to it (with
// snapshot streams: to the writer, and the writer alone to the probe);
// (4) there is a source, and a sink or an inspection.
class Plan {
 public:
  const std::string& flow_id() const { return flow_id_; }
  const std::vector<Step>& steps() const { return steps_; }
  const std::vector<Channel>& channels() const { return channels_; }
  const Step& step(StepIndex index) const { return steps_[index.value()]; }
  const Channel& channel(ChannelIndex index) const { return channels_[index.value()]; }
  // nullopt: it has no such step (of a chain it is a part).
  std::optional<StepIndex> find(const StepId& id) const;

 private:
  friend class PlanBuilder;
  friend Plan fuse(const Plan& plan);
  friend Plan add_snapshot_streams(const Plan& plan);
  // Adds a channel to the consumer's next input.
  void connect(StepIndex from, std::size_t from_port, StepIndex to);
  void add_probe();

  std::string flow_id_;
  std::vector<Step> steps_;
  std::vector<Channel> channels_;
};

// Takes steps in the order in which the user added them; a stream is known by its public id.
class PlanBuilder {
 public:
  explicit PlanBuilder(std::string flow_id);

  // Adds a step that consumes and produces the named streams; returns its place of adding. A step
  // may be added before the producer of what it consumes. REQUIRES: as many inputs and outputs as
  // the kind has. Errors: ConfigError for an id or a stream given twice.
  StepIndex add(StepId id, StepKind kind, std::vector<std::string> inputs,
                std::vector<std::string> outputs);

  // Sorts topologically (steps that do not depend on each other keep the order of adding), wires
  // channels and the probe. `order[i]` is the place in which step i of the plan was added; the
  // probe has none. Errors: ConfigError for a stream nobody produces, a cycle, no source ("at least
  // one input"), no sink or inspection ("at least one output").
  Plan build(std::vector<std::size_t>* order = nullptr) &&;

 private:
  struct Added {
    StepId id;
    StepKind kind;
    std::vector<std::string> inputs;
    std::vector<std::string> outputs;
  };
  struct OutputPort {
    std::size_t step;  // its place of adding
    std::size_t port;
  };

  void require_ends() const;
  // By step, by input: the port that produces it.
  std::vector<std::vector<OutputPort>> find_producers() const;
  std::vector<std::size_t> sort(const std::vector<std::vector<OutputPort>>& producers) const;

  std::string flow_id_;
  std::vector<Added> added_;
  std::unordered_map<std::string, OutputPort> streams_;
};

}  // namespace cppwax::graph
