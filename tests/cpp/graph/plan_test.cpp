#include "engine/graph/plan.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "engine/base/error.hpp"

namespace cppwax::graph {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using Ids = std::vector<std::string>;

constexpr auto kSource = StepKind::kSourcePartitioned;
constexpr auto kSink = StepKind::kSinkDynamic;

// Builds a flow "f" whose steps and streams go by short names.
class PlanTest : public testing::Test {
 protected:
  void add(const std::string& id, StepKind kind, Ids inputs, Ids outputs) {
    builder_.add(id, kind, std::move(inputs), std::move(outputs));
  }

  Plan build() { return std::move(builder_).build(&order_); }

  std::string error_of_build() {
    try {
      build();
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }

  static Ids step_ids(const Plan& plan) {
    Ids ids;
    for (const Step& step : plan.steps()) ids.push_back(step.id);
    return ids;
  }

  static const Step& step(const Plan& plan, const std::string& id) {
    return *std::find_if(plan.steps().begin(), plan.steps().end(),
                         [&](const Step& any) { return any.id == id; });
  }

  // The consumers of one output port, or beyond the outputs of the port to the probe.
  static Ids consumers(const Plan& plan, const std::string& id, std::size_t port) {
    Ids ids;
    for (const ChannelIndex channel : step(plan, id).out_channels.at(port)) {
      ids.push_back(plan.step(plan.channel(channel).to).id);
    }
    return ids;
  }

  static Route route_to(const Plan& plan, const std::string& id) {
    return plan.channel(step(plan, id).in_channels.at(0)).route;
  }

  PlanBuilder builder_{"f"};
  std::vector<std::size_t> order_;
};

TEST_F(PlanTest, WiresAChain) {
  add("in", kSource, {}, {"a"});
  add("map", StepKind::kFlatMapBatch, {"a"}, {"b"});
  add("out", kSink, {"b"}, {});
  const Plan plan = build();

  EXPECT_EQ(plan.flow_id(), "f");
  EXPECT_THAT(step_ids(plan), ElementsAre("in", "map", "out", "probe of f"));
  EXPECT_THAT(order_, ElementsAre(0, 1, 2));
  EXPECT_THAT(step(plan, "map").inputs, ElementsAre(step(plan, "in").outputs[0]));
  EXPECT_THAT(consumers(plan, "in", 0), ElementsAre("map"));
  EXPECT_THAT(consumers(plan, "map", 0), ElementsAre("out"));
  ASSERT_THAT(plan.channels(), SizeIs(3));
  const Channel& channel = plan.channel(step(plan, "map").in_channels[0]);
  EXPECT_EQ(plan.step(channel.from).id, "in");
  EXPECT_EQ(plan.step(channel.to).id, "map");
  EXPECT_EQ(channel.route, Route::kLocal);
}

TEST_F(PlanTest, TheProbeHearsASinkOnAPortOfItsOwn) {
  add("in", kSource, {}, {"a"});
  add("out", kSink, {"a"}, {});
  const Plan plan = build();
  EXPECT_THAT(step(plan, "in").out_channels, SizeIs(1));
  EXPECT_THAT(step(plan, "out").out_channels, SizeIs(1));
  EXPECT_THAT(consumers(plan, "out", 0), ElementsAre("probe of f"));
  const Step& probe = plan.steps().back();
  EXPECT_EQ(probe.kind, StepKind::kProbe);
  EXPECT_THAT(probe.inputs, IsEmpty());
  EXPECT_THAT(probe.outputs, IsEmpty());
  ASSERT_THAT(probe.in_channels, SizeIs(1));
  EXPECT_EQ(plan.channel(probe.in_channels[0]).route, Route::kEverywhere);
}

TEST_F(PlanTest, TheProbeHearsALastStepThatHasOutputsApartFromItsItems) {
  add("in", kSource, {}, {"a"});
  add("split", StepKind::kBranch, {"a"}, {"yes", "no"});
  add("look", StepKind::kInspectDebug, {"a"}, {"seen"});
  const Plan plan = build();
  EXPECT_THAT(consumers(plan, "split", 0), IsEmpty());
  EXPECT_THAT(consumers(plan, "split", 1), IsEmpty());
  EXPECT_THAT(consumers(plan, "split", 2), ElementsAre("probe of f"));
  EXPECT_THAT(consumers(plan, "look", 0), IsEmpty());
  EXPECT_THAT(consumers(plan, "look", 1), ElementsAre("probe of f"));
}

TEST_F(PlanTest, AStepWithOneConsumerOnAnyPortIsNoLastStep) {
  add("in", kSource, {}, {"a"});
  add("split", StepKind::kBranch, {"a"}, {"yes", "no"});
  add("out", kSink, {"no"}, {});
  const Plan plan = build();
  EXPECT_THAT(step(plan, "split").out_channels, SizeIs(2));
  EXPECT_THAT(consumers(plan, "split", 0), IsEmpty());
  EXPECT_THAT(plan.steps().back().in_channels, SizeIs(1));
}

TEST_F(PlanTest, TheProbeHearsEachLastStepOnce) {
  add("in", kSource, {}, {"a"});
  add("out1", kSink, {"a"}, {});
  add("out2", kSink, {"a"}, {});
  add("lonely", kSource, {}, {"b"});
  const Plan plan = build();
  const Step& probe = plan.steps().back();
  Ids last;
  for (std::size_t port = 0; port < probe.in_channels.size(); ++port) {
    const Channel& channel = plan.channel(probe.in_channels[port]);
    EXPECT_EQ(channel.to_port, port);
    last.push_back(plan.step(channel.from).id);
  }
  EXPECT_THAT(last, ElementsAre("out1", "out2", "lonely"));
}

TEST_F(PlanTest, RoutesByTheConsumer) {
  add("in", kSource, {}, {"a"});
  add("keyed", StepKind::kStatefulBatch, {"a"}, {"b"});
  add("spread", StepKind::kRedistribute, {"b"}, {"c"});
  add("files", StepKind::kSinkPartitioned, {"c"}, {});
  add("print", StepKind::kSinkDynamic, {"c"}, {});
  add("noop", StepKind::kNoop, {"c"}, {"d"});
  const Plan plan = build();
  EXPECT_EQ(route_to(plan, "keyed"), Route::kKeyed);
  EXPECT_EQ(route_to(plan, "spread"), Route::kBalanced);
  EXPECT_EQ(route_to(plan, "files"), Route::kPartitioned);
  EXPECT_EQ(route_to(plan, "print"), Route::kLocal);
  EXPECT_EQ(route_to(plan, "noop"), Route::kLocal);
  EXPECT_EQ(route_to(plan, "probe of f"), Route::kEverywhere);
}

TEST_F(PlanTest, KeepsTheOrderOfArguments) {
  add("in1", kSource, {}, {"a"});
  add("in2", kSource, {}, {"b"});
  add("merge", StepKind::kMerge, {"b", "a", "b"}, {"c"});
  add("out", kSink, {"c"}, {});
  const Plan plan = build();
  const Step& merge = step(plan, "merge");
  const StreamIndex a = step(plan, "in1").outputs[0];
  const StreamIndex b = step(plan, "in2").outputs[0];
  EXPECT_NE(a, b);
  EXPECT_THAT(merge.inputs, ElementsAre(b, a, b));
  ASSERT_THAT(merge.in_channels, SizeIs(3));
  for (std::size_t port = 0; port < 3; ++port) {
    EXPECT_EQ(plan.channel(merge.in_channels[port]).to_port, port);
  }
  EXPECT_THAT(consumers(plan, "in2", 0), ElementsAre("merge", "merge"));
}

TEST_F(PlanTest, GivesEachConsumerAChannel) {
  add("in", kSource, {}, {"a"});
  add("out1", kSink, {"a"}, {});
  add("look", StepKind::kInspectDebug, {"a"}, {"b"});
  add("out2", kSink, {"a"}, {});
  const Plan plan = build();
  EXPECT_THAT(consumers(plan, "in", 0), ElementsAre("out1", "look", "out2"));
}

TEST_F(PlanTest, SortsStepsThatWereAddedBeforeTheirProducers) {
  add("out", kSink, {"b"}, {});
  add("map", StepKind::kFlatMapBatch, {"a"}, {"b"});
  add("in", kSource, {}, {"a"});
  add("other", kSource, {}, {"c"});
  const Plan plan = build();
  EXPECT_THAT(step_ids(plan), ElementsAre("in", "map", "out", "other", "probe of f"));
  EXPECT_THAT(order_, ElementsAre(2, 1, 0, 3));
}

TEST_F(PlanTest, KeepsTheOrderOfAddingWhereNothingDepends) {
  for (const std::string name : {"z", "m", "a"}) {
    add("in_" + name, kSource, {}, {name});
  }
  for (const std::string name : {"a", "z", "m"}) {
    add("out_" + name, kSink, {name}, {});
  }
  EXPECT_THAT(step_ids(build()),
              ElementsAre("in_z", "in_m", "in_a", "out_a", "out_z", "out_m", "probe of f"));
  EXPECT_THAT(order_, ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST_F(PlanTest, ChannelsGoForward) {
  add("out", kSink, {"d"}, {});
  add("merge", StepKind::kMerge, {"b", "c"}, {"d"});
  add("split", StepKind::kBranch, {"a"}, {"b", "c"});
  add("in", kSource, {}, {"a"});
  const Plan plan = build();
  ASSERT_THAT(plan.channels(), SizeIs(5));
  for (const Channel& channel : plan.channels()) {
    EXPECT_LT(channel.from, channel.to);
    if (channel.route == Route::kEverywhere) continue;
    EXPECT_EQ(plan.step(channel.from).outputs.at(channel.from_port),
              plan.step(channel.to).inputs.at(channel.to_port));
  }
}

TEST_F(PlanTest, RefusesAFlowWithoutASource) {
  EXPECT_THAT(error_of_build(),
              AllOf(HasSubstr("'f'"), HasSubstr("at least one input"), HasSubstr("`op.input`")));
}

TEST_F(PlanTest, RefusesAFlowWithoutASinkOrInspection) {
  add("in", kSource, {}, {"a"});
  add("map", StepKind::kFlatMapBatch, {"a"}, {"b"});
  EXPECT_THAT(error_of_build(),
              AllOf(HasSubstr("'f'"), HasSubstr("at least one output"), HasSubstr("`op.output`")));
}

TEST_F(PlanTest, AnInspectionCountsAsAnOutput) {
  add("in", StepKind::kSourceDynamic, {}, {"a"});
  add("look", StepKind::kInspectDebug, {"a"}, {"b"});
  EXPECT_THAT(step_ids(build()), ElementsAre("in", "look", "probe of f"));
}

TEST_F(PlanTest, RefusesAStreamThatNobodyProduces) {
  add("in", kSource, {}, {"a"});
  add("out", kSink, {"elsewhere"}, {});
  EXPECT_THAT(error_of_build(),
              AllOf(HasSubstr("'out'"), HasSubstr("'elsewhere'"), HasSubstr("add its producer")));
}

TEST_F(PlanTest, RefusesACycleAndNamesItsSteps) {
  add("in", kSource, {}, {"a"});
  add("merge", StepKind::kMerge, {"a", "c"}, {"b"});
  add("loop", StepKind::kNoop, {"b"}, {"c"});
  add("after", StepKind::kNoop, {"c"}, {"d"});
  add("out", kSink, {"d"}, {});
  EXPECT_THAT(error_of_build(), AllOf(HasSubstr("'merge'"), HasSubstr("'loop'"),
                                      Not(HasSubstr("'in'")), Not(HasSubstr("'after'"))));
}

TEST_F(PlanTest, NamesTheCycleBeforeAStepThatWasAddedFirst) {
  add("out", kSink, {"b"}, {});
  add("self", StepKind::kMerge, {"a", "b"}, {"b"});
  add("in", kSource, {}, {"a"});
  EXPECT_THAT(error_of_build(), AllOf(HasSubstr("through 'self';"), Not(HasSubstr("'out'"))));
}

TEST_F(PlanTest, RefusesAStepGivenTwice) {
  add("in", kSource, {}, {"a"});
  EXPECT_THROW(add("in", kSource, {}, {"b"}), ConfigError);
}

TEST_F(PlanTest, RefusesAStreamGivenTwice) {
  add("in1", kSource, {}, {"a"});
  try {
    add("in2", kSource, {}, {"a"});
    ADD_FAILURE() << "it was taken";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("'in1'"), HasSubstr("'in2'"), HasSubstr("'a'")));
  }
  EXPECT_THROW(add("split", StepKind::kBranch, {"a"}, {"b", "b"}), ConfigError);
}

TEST_F(PlanTest, RefusesPortsThatTheKindDoesNotHave) {
  EXPECT_THROW(add("s", kSource, {"a"}, {"b"}), InvariantError);
  EXPECT_THROW(add("s", kSink, {"a"}, {"b"}), InvariantError);
  EXPECT_THROW(add("s", StepKind::kNoop, {"a", "b"}, {"c"}), InvariantError);
  EXPECT_THROW(add("s", StepKind::kMerge, {}, {"c"}), InvariantError);
  EXPECT_THROW(add("s", StepKind::kBranch, {"a"}, {"b"}), InvariantError);
  EXPECT_THROW(add("s", StepKind::kProbe, {}, {}), InvariantError);
  EXPECT_THROW(add("s", StepKind::kChain, {"a"}, {"b"}), InvariantError);
}

TEST(StepKind, EachHasANameOfItsOwn) {
  std::set<std::string> names;
  for (int kind = 0; kind <= static_cast<int>(StepKind::kChain); ++kind) {
    names.insert(name_of(static_cast<StepKind>(kind)));
  }
  EXPECT_THAT(names, SizeIs(static_cast<std::size_t>(StepKind::kChain) + 1));
  EXPECT_THAT(names, Not(testing::Contains("unknown")));
}

TEST(StepKind, KnowsSourcesAndSinks) {
  EXPECT_TRUE(is_source(StepKind::kSourceDynamic));
  EXPECT_TRUE(is_source(StepKind::kSourcePartitioned));
  EXPECT_TRUE(is_sink(StepKind::kSinkDynamic));
  EXPECT_TRUE(is_sink(StepKind::kSinkPartitioned));
  EXPECT_FALSE(is_source(StepKind::kSinkDynamic));
  EXPECT_FALSE(is_sink(StepKind::kInspectDebug));
}

TEST(StepKind, KnowsWhatIsStored) {
  for (const StepKind kind :
       {StepKind::kStatefulBatch, StepKind::kSourcePartitioned, StepKind::kSinkPartitioned}) {
    EXPECT_TRUE(keeps_state(kind)) << name_of(kind);
  }
  for (const StepKind kind : {StepKind::kFlatMapBatch, StepKind::kSourceDynamic,
                              StepKind::kSinkDynamic, StepKind::kChain, StepKind::kRestore}) {
    EXPECT_FALSE(keeps_state(kind)) << name_of(kind);
  }
}

}  // namespace
}  // namespace cppwax::graph
