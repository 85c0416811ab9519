#include "engine/graph/snapshot_streams.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/graph/fusion.hpp"
#include "support/int_flow.hpp"

namespace cppwax::graph {
namespace {

using testing::ElementsAre;

// The ids of the steps from which channels lead to the one step of this kind.
std::vector<std::string> feeding(const Plan& plan, StepKind kind) {
  std::vector<std::string> ids;
  for (const Step& step : plan.steps()) {
    if (step.kind != kind) continue;
    for (const ChannelIndex in : step.in_channels) {
      ids.push_back(plan.step(plan.channel(in).from).id);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Plan plan_of_all_kinds() {
  test::Flow flow;
  flow.dynamic_source("dynamic", [](test::Seat) { return test::Script{}; });
  flow.source("source", test::Script{});
  flow.merge("merge", {"dynamic", "source"});
  flow.noop("noop", "merge");
  flow.keyed_step("sum", "noop");
  flow.sink("sink", "sum");
  flow.partitioned_sink("parts", "sum", {"p"});
  flow.inspect("unused", "sum");
  return flow.build().plan;
}

TEST(SnapshotStreams, ComeFromStatesAndFromAllEnds) {
  const Plan plan = add_snapshot_streams(plan_of_all_kinds());
  EXPECT_THAT(feeding(plan, StepKind::kSnapshotWriter),
              ElementsAre("dynamic", "parts", "sink", "source", "sum", "unused"));
}

TEST(SnapshotStreams, TheWriterAloneMovesTheProbe) {
  const Plan plan = add_snapshot_streams(plan_of_all_kinds());
  EXPECT_EQ(plan.steps().back().kind, StepKind::kProbe);
  EXPECT_THAT(feeding(plan, StepKind::kProbe), ElementsAre("writer of flow"));
  EXPECT_THAT(feeding(plan, StepKind::kRestore), ElementsAre("loader of flow"));
}

TEST(SnapshotStreams, RoutesAreTheirOwn) {
  const Plan plan = add_snapshot_streams(plan_of_all_kinds());
  for (const Channel& channel : plan.channels()) {
    const StepKind to = plan.step(channel.to).kind;
    EXPECT_EQ(channel.route == Route::kStored, to == StepKind::kSnapshotWriter);
    EXPECT_EQ(channel.route == Route::kRestored, to == StepKind::kRestore);
    EXPECT_LT(channel.from, channel.to);
  }
}

TEST(SnapshotStreams, LeaveTheFlowAsItWas) {
  const Plan before = fuse(plan_of_all_kinds());
  const Plan after = add_snapshot_streams(before);
  for (std::uint32_t i = 0; i + 1 < before.steps().size(); ++i) {
    const Step& old = before.steps()[i];
    const Step& now = after.steps()[i];
    EXPECT_EQ(now.id, old.id);
    EXPECT_EQ(now.kind, old.kind);
    EXPECT_EQ(now.logic, old.logic);
    EXPECT_EQ(now.links.size(), old.links.size());
    EXPECT_EQ(now.in_channels.size(), old.in_channels.size());
    for (std::size_t port = 0; port < old.outputs.size(); ++port) {
      EXPECT_EQ(now.out_channels[port].size(), old.out_channels[port].size());
    }
  }
}

TEST(Plan, FindsAStepByItsId) {
  const Plan plan = plan_of_all_kinds();
  EXPECT_EQ(plan.step(*plan.find("sum")).id, "sum");
  EXPECT_EQ(plan.find("none"), std::nullopt);
}

}  // namespace
}  // namespace cppwax::graph
