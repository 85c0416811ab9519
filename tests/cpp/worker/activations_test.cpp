#include "engine/worker/activations.hpp"

#include <gmock/gmock.h>

#include "support/int_flow.hpp"

namespace cppwax::worker {
namespace {

using namespace std::chrono_literals;
using test::Flow;
using test::Script;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr WallTime kStart{1h};

struct Bench {
  explicit Bench(const Flow& flow, std::uint32_t worker_count = 1)
      : built(flow.build()), activations(built.plan, worker_count) {}

  StepIndex index(const std::string& id) {
    return id == "probe" ? StepIndex(static_cast<std::uint32_t>(built.plan.steps().size() - 1))
                         : built.index_of(id);
  }
  void wake(const std::string& id) { activations.wake(index(id)); }
  std::string next() {
    const auto step = activations.next();
    if (!step) return "";
    return step->value() < built.specs.size() ? built.specs[step->value()].id : "probe";
  }
  // Until none is ready.
  std::vector<std::string> drain() {
    std::vector<std::string> ids;
    for (std::string id = next(); !id.empty(); id = next()) ids.push_back(id);
    return ids;
  }

  test::BuiltFlow built;
  Activations activations;
};

Flow straight() {
  Flow flow;
  flow.sink("out", flow.noop("b", flow.noop("a", flow.source("in", Script{}))));
  return flow;
}

TEST(Activations, AtTheStartEachStepRunsOnceNearestToTheSinksFirst) {
  Bench bench(straight());
  EXPECT_THAT(bench.drain(), ElementsAre("probe", "out", "b", "a", "in"));
  EXPECT_THAT(bench.drain(), IsEmpty());
}

TEST(Activations, WhatIsNearerToTheSinksGoesFirst) {
  Bench bench(straight());
  bench.drain();
  bench.wake("a");
  bench.wake("out");
  EXPECT_EQ(bench.next(), "out");
  bench.wake("b");
  EXPECT_THAT(bench.drain(), ElementsAre("b", "a"));
}

TEST(Activations, SourcesArePolledOnlyWhenNothingElseIsReady) {
  Bench bench(straight());
  bench.drain();
  bench.wake("in");
  bench.wake("a");
  EXPECT_THAT(bench.drain(), ElementsAre("a", "in"));
}

Flow two_sources() {
  Flow flow;
  flow.source("one", Script{});
  flow.source("two", Script{});
  flow.sink("out", flow.merge("merge", {"one", "two"}));
  return flow;
}

TEST(Activations, SourcesHaveTheirTurnsInRoundsWithNothingBetween) {
  Bench bench(two_sources());
  bench.drain();
  bench.wake("two");
  bench.wake("one");
  EXPECT_EQ(bench.next(), "one");
  bench.wake("one");
  bench.wake("merge");
  EXPECT_EQ(bench.next(), "two") << "the round goes on before the merge";
  bench.wake("two");
  EXPECT_EQ(bench.next(), "merge");
  EXPECT_THAT(bench.drain(), ElementsAre("one", "two"));
}

TEST(Activations, ASourceThatIsWokenBehindTheRoundWaitsForTheNext) {
  Bench bench(two_sources());
  bench.drain();
  bench.wake("two");
  EXPECT_EQ(bench.next(), "two");
  bench.wake("one");
  bench.wake("out");
  EXPECT_THAT(bench.drain(), ElementsAre("out", "one"));
}

TEST(Activations, AMergeWaitsForAllThatIsReadyAboveIt) {
  Flow flow;
  flow.source("one", Script{});
  flow.source("two", Script{});
  flow.keyed_step("sum", flow.noop("a", "one"));
  flow.redistribute("spread", "sum");
  flow.sink("out", flow.merge("merge", {"spread", "two"}));
  Bench bench(flow);
  bench.drain();
  bench.wake("merge");
  bench.wake("a");
  EXPECT_EQ(bench.next(), "a") << "also above a keyed step";
  bench.wake("sum");
  EXPECT_EQ(bench.next(), "sum");
  bench.wake("spread");
  EXPECT_EQ(bench.next(), "spread");
  EXPECT_EQ(bench.next(), "merge");
}

TEST(Activations, AMergeWaitsForNoSourceAndNothingBeside) {
  Flow flow;
  flow.source("one", Script{});
  flow.sink("other", flow.noop("beside", "one"));
  flow.sink("out", flow.merge("merge", {"one"}));
  flow.merge("both", {"one", "one"});
  flow.sink("end", "both");
  Bench bench(flow);
  bench.drain();
  bench.wake("one");
  bench.wake("beside");
  bench.wake("both");
  EXPECT_THAT(bench.drain(), ElementsAre("both", "beside", "one"));
}

TEST(Activations, FiresAtTheTimeOfAStep) {
  Bench bench(straight());
  bench.drain();
  EXPECT_EQ(bench.activations.next_due(), std::nullopt);
  bench.activations.wake_at(bench.index("a"), kStart + 2s);
  bench.activations.wake_at(bench.index("b"), kStart + 1s);
  EXPECT_EQ(bench.activations.next_due(), kStart + 1s);
  bench.activations.fire(kStart + 1s - 1us);
  EXPECT_THAT(bench.drain(), IsEmpty());
  bench.activations.fire(kStart + 1s);
  EXPECT_THAT(bench.drain(), ElementsAre("b"));
  EXPECT_EQ(bench.activations.next_due(), kStart + 2s);
  bench.activations.fire(kStart + 5s);
  EXPECT_THAT(bench.drain(), ElementsAre("a"));
  EXPECT_EQ(bench.activations.next_due(), std::nullopt);
}

TEST(Activations, ANewTimeReplacesTheOldOne) {
  Bench bench(straight());
  bench.drain();
  bench.activations.wake_at(bench.index("a"), kStart + 1s);
  bench.activations.wake_at(bench.index("b"), kStart + 3s);
  bench.activations.wake_at(bench.index("a"), kStart + 5s);
  EXPECT_EQ(bench.activations.next_due(), kStart + 3s);
  bench.activations.wake_at(bench.index("b"), std::nullopt);
  EXPECT_EQ(bench.activations.next_due(), kStart + 5s);
  bench.activations.wake_at(bench.index("a"), std::nullopt);
  EXPECT_EQ(bench.activations.next_due(), std::nullopt);
}

TEST(Activations, WhatCanAlwaysGoOnLetsTheSourcesHaveTheirTurn) {
  Bench bench(straight());
  bench.drain();
  bench.activations.wake_in_next_round(bench.index("b"));
  bench.wake("a");
  bench.wake("in");
  EXPECT_THAT(bench.drain(), ElementsAre("a", "in", "b"));
  bench.activations.wake_in_next_round(bench.index("b"));
  EXPECT_THAT(bench.drain(), ElementsAre("b"));
}

// The turns that other steps get until the source has one, of at most `most`.
int turns_before_the_source(std::uint32_t worker_count, int most) {
  Bench bench(straight(), worker_count);
  bench.drain();
  bench.wake("in");
  for (int turns = 0; turns < most; ++turns) {
    bench.wake("out");
    if (bench.next() == "in") return turns;
  }
  return most;
}

TEST(Activations, WhatOtherWorkersSendDoesNotKeepSourcesWaiting) {
  EXPECT_LE(turns_before_the_source(2, 10'000), 200);
  EXPECT_EQ(turns_before_the_source(1, 10'000), 10'000) << "alone, it works off what is there";
}

TEST(Activations, ItsWakersWakeTheirSteps) {
  Bench bench(straight());
  bench.drain();
  bench.activations.waker(bench.index("b")).wake();
  EXPECT_THAT(bench.drain(), ElementsAre("b"));
}

}  // namespace
}  // namespace cppwax::worker
