#include "engine/graph/fusion.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

namespace cppwax::graph {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using Ids = std::vector<std::string>;

constexpr auto kSource = StepKind::kSourcePartitioned;
constexpr auto kMap = StepKind::kFlatMapBatch;
constexpr auto kSink = StepKind::kSinkDynamic;

class FusionTest : public testing::Test {
 protected:
  // A step's streams are named after it, those of a branch with "1" and "2" behind.
  void add(const std::string& id, StepKind kind, Ids inputs) {
    Ids outputs{id};
    if (is_sink(kind)) outputs.clear();
    if (kind == StepKind::kBranch) outputs = {id + "1", id + "2"};
    builder_.add(id, kind, std::move(inputs), std::move(outputs));
  }

  // The steps that run, a chain as "first+second+last".
  Ids fuse() {
    plan_ = std::move(builder_).build();
    fused_ = graph::fuse(plan_);
    Ids running;
    for (const Step& step : fused_.steps()) {
      std::string text;
      for (const ChainLink& link : step.links) text += (text.empty() ? "" : "+") + link.id;
      running.push_back(text.empty() ? step.id : text);
    }
    return running;
  }

  static const Step& step(const Plan& plan, const std::string& id) {
    return *std::find_if(plan.steps().begin(), plan.steps().end(),
                         [&](const Step& any) { return any.id == id; });
  }
  Ids consumers(const std::string& id, std::size_t port) const {
    Ids ids;
    for (const ChannelIndex channel : step(fused_, id).out_channels.at(port)) {
      ids.push_back(fused_.step(fused_.channel(channel).to).id);
    }
    return ids;
  }

  PlanBuilder builder_{"f"};
  Plan plan_;
  Plan fused_;
};

TEST_F(FusionTest, JoinsStatelessStepsInARow) {
  add("in", kSource, {});
  add("a", kMap, {"in"});
  add("b", StepKind::kNoop, {"a"});
  add("c", StepKind::kInspectDebug, {"b"});
  add("out", kSink, {"c"});
  EXPECT_THAT(fuse(), ElementsAre("in", "a+b+c", "out", "probe of f"));

  const Step& chain = fused_.steps()[1];
  EXPECT_EQ(chain.kind, StepKind::kChain);
  EXPECT_EQ(chain.inputs, step(plan_, "a").inputs);
  EXPECT_EQ(chain.outputs, step(plan_, "c").outputs);
  EXPECT_THAT(chain.in_channels, SizeIs(1));
  EXPECT_THAT(consumers("in", 0), ElementsAre("c"));
  EXPECT_THAT(consumers("c", 0), ElementsAre("out"));
  EXPECT_THAT(consumers("out", 0), ElementsAre("probe of f"));
  EXPECT_THAT(fused_.channels(), SizeIs(3));
}

TEST_F(FusionTest, KeepsWhereTheLogicOfEachStepIsFound) {
  add("in", kSource, {});
  add("a", kMap, {"in"});
  add("b", StepKind::kInspectDebug, {"a"});
  add("out", kSink, {"b"});
  fuse();
  const auto& links = fused_.steps()[1].links;
  ASSERT_THAT(links, SizeIs(2));
  EXPECT_EQ(links[0].logic, StepIndex(1));
  EXPECT_EQ(links[0].kind, kMap);
  EXPECT_EQ(links[1].logic, StepIndex(2));
  EXPECT_EQ(links[1].kind, StepKind::kInspectDebug);
  EXPECT_EQ(step(fused_, "out").logic, StepIndex(3));
}

TEST_F(FusionTest, LeavesALoneStepAsItIs) {
  add("in", kSource, {});
  add("a", kMap, {"in"});
  add("out", kSink, {"a"});
  EXPECT_THAT(fuse(), ElementsAre("in", "a", "out", "probe of f"));
  EXPECT_EQ(fused_.steps()[1].kind, kMap);
  EXPECT_THAT(fused_.steps()[1].links, IsEmpty());
}

TEST_F(FusionTest, EndsAtASecondConsumer) {
  add("in", kSource, {});
  add("a", kMap, {"in"});
  add("b", kMap, {"a"});
  add("c", kMap, {"b"});
  add("d", kMap, {"b"});
  add("out1", kSink, {"c"});
  add("out2", kSink, {"d"});
  EXPECT_THAT(fuse(), ElementsAre("in", "a+b", "c", "d", "out1", "out2", "probe of f"));
  EXPECT_THAT(consumers("b", 0), ElementsAre("c", "d"));
}

TEST_F(FusionTest, AStreamThatIsConsumedTwiceByOneStepDoesNotJoin) {
  add("in", kSource, {});
  add("a", kMap, {"in"});
  add("both", StepKind::kMerge, {"a", "a"});
  add("out", kSink, {"both"});
  EXPECT_THAT(fuse(), ElementsAre("in", "a", "both", "out", "probe of f"));
  EXPECT_THAT(consumers("a", 0), ElementsAre("both", "both"));
}

TEST_F(FusionTest, EndsWhereItemsSplitMeetOrMove) {
  add("in", kSource, {});
  add("a", kMap, {"in"});
  add("b", kMap, {"a"});
  add("split", StepKind::kBranch, {"b"});
  add("c", kMap, {"split1"});
  add("d", kMap, {"c"});
  add("merge", StepKind::kMerge, {"d", "split2"});
  add("spread", StepKind::kRedistribute, {"merge"});
  add("e", kMap, {"spread"});
  add("f", kMap, {"e"});
  add("keyed", StepKind::kStatefulBatch, {"f"});
  add("g", kMap, {"keyed"});
  add("h", kMap, {"g"});
  add("out", StepKind::kSinkPartitioned, {"h"});
  EXPECT_THAT(fuse(), ElementsAre("in", "a+b", "split", "c+d", "merge", "spread", "e+f", "keyed",
                                  "g+h", "out", "probe of f"));
  EXPECT_THAT(consumers("split", 0), ElementsAre("d"));
  EXPECT_THAT(consumers("split", 1), ElementsAre("merge"));
  const Step& merge = step(fused_, "merge");
  EXPECT_EQ(merge.inputs, step(plan_, "merge").inputs);
  EXPECT_EQ(fused_.step(fused_.channel(merge.in_channels.at(0)).from).id, "d");
  EXPECT_EQ(fused_.step(fused_.channel(merge.in_channels.at(1)).from).id, "split");
  EXPECT_EQ(fused_.channel(step(fused_, "spread").in_channels.at(0)).route, Route::kBalanced);
  EXPECT_EQ(fused_.channel(step(fused_, "keyed").in_channels.at(0)).route, Route::kKeyed);
  EXPECT_EQ(fused_.channel(step(fused_, "out").in_channels.at(0)).route, Route::kPartitioned);
}

TEST_F(FusionTest, AChainAtTheEndTellsTheProbe) {
  add("in", kSource, {});
  add("a", kMap, {"in"});
  add("look", StepKind::kInspectDebug, {"a"});
  EXPECT_THAT(fuse(), ElementsAre("in", "a+look", "probe of f"));
  EXPECT_THAT(consumers("look", 0), IsEmpty());
  EXPECT_THAT(consumers("look", 1), ElementsAre("probe of f"));
}

// Chains that lie between each other in the order of the plan.
TEST_F(FusionTest, ChannelsStillGoForward) {
  add("in1", kSource, {});
  add("in2", kSource, {});
  add("a1", kMap, {"in1"});
  add("a2", kMap, {"in2"});
  add("b1", kMap, {"a1"});
  add("b2", kMap, {"a2"});
  add("c2", kMap, {"b2"});
  add("c1", kMap, {"b1"});
  add("merge", StepKind::kMerge, {"c1", "c2"});
  add("out", kSink, {"merge"});
  EXPECT_THAT(fuse(),
              ElementsAre("in1", "in2", "a2+b2+c2", "a1+b1+c1", "merge", "out", "probe of f"));
  for (const Channel& channel : fused_.channels()) EXPECT_LT(channel.from, channel.to);
  const Step& merge = step(fused_, "merge");
  EXPECT_EQ(fused_.step(fused_.channel(merge.in_channels.at(0)).from).id, "c1");
}

}  // namespace
}  // namespace cppwax::graph
