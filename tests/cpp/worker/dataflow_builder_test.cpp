#include "engine/worker/dataflow_builder.hpp"

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <string>

#include "engine/base/error.hpp"
#include "engine/graph/fusion.hpp"
#include "engine/graph/snapshot_streams.hpp"
#include "support/run_record.hpp"
#include "support/step_bench.hpp"

namespace cppwax::worker {
namespace {

using operators::Seat;
using test::Flow;
using test::gives;
using test::Script;
using testing::ElementsAre;

class NoPeers final : public channel::Peers {
 public:
  void post(WorkerIndex, channel::Delivery) override {}
};

// Without partitions.
Beginning beginning_of(const graph::Plan& plan) {
  Beginning beginning;
  beginning.assignments.resize(plan.steps().size());
  beginning.positions.resize(plan.steps().size());
  return beginning;
}

struct Bench {
  explicit Bench(const Flow& flow, Seat seat = {})
      : built(flow.build()),
        plan(seat.recovery ? graph::add_snapshot_streams(built.plan) : built.plan),
        record(built),
        logic(built, host.time, record),
        activations(plan, seat.worker_count),
        wiring(plan, seat, channel::kDefaultWindow, peers, activations),
        builder(plan, logic, seat, wiring, host) {}

  std::unique_ptr<operators::Step> build(const std::string& id,
                                         const progress::Assignment& parts = {},
                                         const std::map<std::string, std::string>& positions = {}) {
    Beginning beginning = beginning_of(plan);
    const StepIndex step = *plan.find(id);
    beginning.assignments[step.value()] = parts;
    beginning.positions[step.value()] = positions;
    return builder.build(step, beginning);
  }

  test::InScope scope;
  test::FakeHost host;
  test::BuiltFlow built;
  graph::Plan plan;
  test::RunRecord record;
  test::IntLogic logic;
  NoPeers peers;
  Activations activations;
  Wiring wiring;
  DataflowBuilder builder;
};

TEST(DataflowBuilder, BuildsAllKindsOfSteps) {
  Flow flow;
  flow.source("in", Script{gives({1, 2, 3, 4})});
  flow.dynamic_source("more", [](Seat) { return Script{}; });
  flow.merge("merge", {"in", "more"});
  flow.flat_map("map", flow.noop("noop", "merge"),
                [](std::int64_t item, test::Ints& out) { out.insert(out.end(), 2, item); });
  flow.branch("branch", "map", [](std::int64_t item) { return item % 2 == 0; });
  flow.keyed_step("sum", flow.redistribute("spread", flow.inspect("look", "branch")));
  flow.partitioned_sink("parts", "branch.else", {"p"});
  flow.sink("out", "sum");
  Bench bench(flow);
  std::vector<std::unique_ptr<operators::Step>> steps;
  for (const auto& spec : bench.built.specs) {
    const bool is_source = spec.id == "in";
    steps.push_back(bench.build(spec.id, is_source ? progress::Assignment{{"part", WorkerIndex(0)}}
                                                   : progress::Assignment{}));
  }
  auto probe = bench.builder.build_probe(
      StepIndex(static_cast<std::uint32_t>(bench.built.plan.steps().size() - 1)), kFirstEpoch);
  for (auto& step : steps) step->open();
  for (int round = 0; round < 2; ++round) {
    for (auto& step : steps) {
      while (!step->done() && step->activate() == operators::Activity::kAgain) {
      }
    }
  }
  probe->activate();
  EXPECT_TRUE(probe->done());
  EXPECT_THAT(bench.record.written("parts"), ElementsAre(1, 1, 3, 3));
  EXPECT_THAT(bench.record.written("out"), ElementsAre(2, 4, 8, 12)) << "running sum of key 0";
}

TEST(DataflowBuilder, BuildsThePartitionsOfItsWorkerOnly) {
  Flow flow;
  flow.sink("out", flow.source("in", Flow::Scripts{{"a", {}}, {"b", {}}, {"c", {}}}));
  Bench bench(flow, {WorkerIndex(1), 2});
  bench.build("in", {{"a", WorkerIndex(1)}, {"b", WorkerIndex(0)}, {"c", WorkerIndex(1)}});
  EXPECT_THAT(bench.record.calls_of("in"), ElementsAre("build a @1", "build c @1"));
}

TEST(DataflowBuilder, AskingForTheFirstTimeIsNoPartOfBuilding) {
  Flow flow;
  flow.sink("out", flow.source("in", Script{}));
  Bench bench(flow);
  auto step = bench.build("in", {{"part", WorkerIndex(0)}});
  EXPECT_THAT(bench.record.calls_of("in"), ElementsAre("build part @0"));
  step->open();
  EXPECT_THAT(bench.record.calls_of("in"), ElementsAre("build part @0", "next_awake @0"));
}

TEST(DataflowBuilder, KnowsWhetherASourceStartsNow) {
  for (const bool starts_now : {false, true}) {
    Flow flow;
    flow.sink("end", flow.source("other", Script{}));
    flow.sink("out", flow.source("in", Script{}));
    flow.at("in").starts_now = starts_now;
    EXPECT_EQ(Bench(flow).builder.any_starts_now(), starts_now);
  }
}

// The place of the new one alone is to become durable at once.
TEST(DataflowBuilder, APartWithAPositionStartsThere) {
  for (const bool is_new : {false, true}) {
    Flow flow;
    flow.sink("out", flow.source("in", Flow::Scripts{{"a", {gives({1})}}, {"b", {gives({1})}}}));
    flow.at("in").starts_now = true;
    Bench bench(flow, {WorkerIndex(0), 1, true});
    std::map<std::string, std::string> positions{{"a", "1"}};
    if (!is_new) positions["b"] = "0";
    auto step = bench.build("in", {{"a", WorkerIndex(0)}, {"b", WorkerIndex(0)}}, positions);
    step->open();
    EXPECT_EQ(bench.host.active.size(), is_new ? 1u : 0u);
  }
}

TEST(DataflowBuilder, ClosesThePartitionsOfASourceThatFailsToBeBuilt) {
  Flow flow;
  flow.source("in", Flow::Scripts{{"a", {}}, {"b", {}}});
  flow.last().before = [](const std::string& call, Seat) {
    if (call == "build b") throw UserCodeError("building", nullptr);
  };
  flow.sink("out", "in");
  Bench bench(flow);
  EXPECT_THROW(bench.build("in", {{"a", WorkerIndex(0)}, {"b", WorkerIndex(0)}}), UserCodeError);
  bench.builder.close();
  bench.builder.close();
  EXPECT_THAT(bench.record.calls_of("in"), ElementsAre("build a @0", "build b @0", "close @0"));
}

Flow routed_flow() {
  Flow flow;
  flow.source("in", Script{});
  flow.keyed_step("sum", flow.noop("above", "in"));
  flow.last().key = [](std::int64_t item) -> std::int64_t {
    if (item < 0) throw UserCodeError("looking for a key", nullptr);
    return item;
  };
  flow.sink("out", "sum");
  return flow;
}

TEST(DataflowBuilder, WithOneWorkerNothingIsRouted) {
  Bench bench(routed_flow());
  bench.build("sum");
  EXPECT_THAT(bench.record.calls_of("sum"), ElementsAre("build @0"));
  bench.wiring.outputs(bench.built.index_of("above")).send(0, kFirstEpoch, test::ints({-1}));
  EXPECT_THAT(bench.record.calls_of("sum"), ElementsAre("build @0"));
}

TEST(DataflowBuilder, AnItemThatCannotBeRoutedIsAnErrorOfTheStepItGoesTo) {
  Bench bench(routed_flow(), {WorkerIndex(0), 2});
  bench.build("sum");
  auto outputs = bench.wiring.outputs(bench.built.index_of("above"));
  outputs.send(0, kFirstEpoch, test::ints({1}));
  try {
    outputs.send(0, kFirstEpoch, test::ints({-1}));
    FAIL();
  } catch (const UserCodeError& error) {
    EXPECT_EQ(error.context.step, "sum");
  }
}

TEST(DataflowBuilder, AChainAsksForTheLogicOfItsLinks) {
  Flow flow;
  flow.source("in", Script{});
  flow.map("plus", "in", [](std::int64_t item) { return item + 1; });
  flow.inspect("look", flow.noop("noop", "plus"));
  flow.map("times", "look", [](std::int64_t item) { return item * 2; });
  flow.sink("out", "times");
  test::FakeHost host;
  test::InScope scope;
  const test::BuiltFlow built = flow.build();
  const graph::Plan fused = graph::fuse(built.plan);
  ASSERT_EQ(fused.steps().size(), 4u);
  ASSERT_EQ(fused.steps()[1].kind, graph::StepKind::kChain);
  test::RunRecord record(built);
  test::IntLogic logic(built, host.time, record);
  Activations activations(fused, 1);
  NoPeers peers;
  Wiring wiring(fused, {}, channel::kDefaultWindow, peers, activations);
  DataflowBuilder builder(fused, logic, {}, wiring, host);
  auto chain = builder.build(StepIndex(1), beginning_of(fused));
  auto sink = builder.build(StepIndex(2), beginning_of(fused));
  wiring.outputs(StepIndex(0)).send(0, kFirstEpoch, test::ints({1, 2}));
  chain->activate();
  sink->activate();
  EXPECT_THAT(record.inspected_items(), ElementsAre("look 1: 2", "look 1: 3"));
  EXPECT_THAT(record.written("out"), ElementsAre(4, 6));
}

TEST(DataflowBuilder, AnErrorOfBuildingALinkIsOfTheLink) {
  Flow flow;
  flow.source("in", Script{});
  flow.inspect("look", "in");
  flow.last().before = [](const std::string&, Seat) { throw UserCodeError("building", nullptr); };
  flow.sink("out", flow.noop("noop", "look"));
  test::FakeHost host;
  test::InScope scope;
  const test::BuiltFlow built = flow.build();
  const graph::Plan fused = graph::fuse(built.plan);
  test::RunRecord record(built);
  test::IntLogic logic(built, host.time, record);
  Activations activations(fused, 1);
  NoPeers peers;
  Wiring wiring(fused, {}, channel::kDefaultWindow, peers, activations);
  DataflowBuilder builder(fused, logic, {}, wiring, host);
  try {
    builder.build(StepIndex(1), beginning_of(fused));
    FAIL();
  } catch (const UserCodeError& error) {
    EXPECT_EQ(error.context.step, "look") << "the chain has the name of its last link";
  }
}

TEST(DataflowBuilder, KnowsWhichStepsHavePartitions) {
  EXPECT_TRUE(is_partitioned(graph::StepKind::kSourcePartitioned));
  EXPECT_TRUE(is_partitioned(graph::StepKind::kSinkPartitioned));
  EXPECT_FALSE(is_partitioned(graph::StepKind::kSourceDynamic));
  EXPECT_FALSE(is_partitioned(graph::StepKind::kSinkDynamic));
  EXPECT_FALSE(is_partitioned(graph::StepKind::kStatefulBatch));
}

}  // namespace
}  // namespace cppwax::worker
