#include "engine/operators/chain.hpp"

#include <gmock/gmock.h>

#include "engine/base/error.hpp"
#include "engine/graph/fusion.hpp"
#include "support/run_record.hpp"
#include "support/step_bench.hpp"

namespace cppwax::operators {
namespace {

using test::Ints;
using test::outputs_to;
using testing::ElementsAre;
using testing::IsEmpty;

// The links of a flow between its source "in" and its sink "out", as one step.
struct Bench {
  explicit Bench(const test::Flow& flow, channel::Amount window = {100, 10000})
      : built(flow.build()),
        fused(graph::fuse(built.plan)),
        record(built),
        logic(built, host.time, record),
        down(window),
        step(links(), {"chain", {feed.receiver()}, outputs_to({&down})}, host, kFirstEpoch) {}

  std::vector<Link> links() {
    std::vector<Link> all;
    for (const graph::ChainLink& link : fused.steps()[1].links) {
      Link& built_link = all.emplace_back(Link{link.id, nullptr, nullptr});
      if (link.kind == graph::StepKind::kFlatMapBatch) {
        built_link.flat_map = logic.flat_map_batch(link.logic, {});
      } else if (link.kind == graph::StepKind::kInspectDebug) {
        built_link.inspect = logic.inspect_debug(link.logic, {});
      }
    }
    return all;
  }
  std::vector<std::string> run() {
    while (step.activate() == Activity::kAgain) {
    }
    return down.take();
  }

  test::InScope scope;
  test::FakeHost host;
  test::BuiltFlow built;
  graph::Plan fused;
  test::RunRecord record;
  test::IntLogic logic;
  test::Feed feed;
  test::Drain down;
  ChainStep step;
};

// 1 -> 10, 11, …: as many as `count`.
std::function<void(std::int64_t, Ints&)> fan_out(std::int64_t count) {
  return [count](std::int64_t item, Ints& out) {
    for (std::int64_t i = 0; i < count; ++i) out.push_back(10 * item + i);
  };
}

test::Flow two_maps(std::int64_t first, std::int64_t second) {
  test::Flow flow;
  flow.source("in", test::Script{});
  flow.flat_map("a", "in", fan_out(first));
  flow.inspect("look", "a");
  flow.flat_map("b", flow.noop("noop", "look"), fan_out(second));
  flow.sink("out", "b");
  return flow;
}

TEST(ChainStep, GivesWhatItsLinksGiveInARow) {
  Bench bench(two_maps(2, 2));
  bench.feed.batch(3, {1});
  bench.feed.frontier(4);
  EXPECT_THAT(bench.run(), ElementsAre("3:[100 101 110 111]", "F4"));
  EXPECT_THAT(bench.record.inspected_items(), ElementsAre("look 3: 10", "look 3: 11"));
}

TEST(ChainStep, GoesOverTheWholeBatchLinkByLink) {
  Bench bench(two_maps(1, 1));
  bench.feed.batch(1, {1, 2, 3});
  bench.run();
  std::vector<std::string> runs;
  for (const std::string& call : bench.record.calls()) {
    if (call.find("build") == std::string::npos) runs.push_back(call);
  }
  EXPECT_THAT(runs, ElementsAre("a.flat_map @0", "look.inspect @0", "b.flat_map @0"));
}

TEST(ChainStep, ALinkThatEmitsNothingEndsTheWayOfABatch) {
  Bench bench(two_maps(0, 5));
  bench.feed.batch(1, {1, 2});
  EXPECT_THAT(bench.run(), IsEmpty());
  EXPECT_EQ(bench.feed.repaid(), 2);
  EXPECT_EQ(bench.record.count("b.flat_map @0"), 0u);
}

TEST(ChainStep, WhatIsDroppedOnTheWayIsPartOfTheSlice) {
  Bench bench(two_maps(3 * kSliceItems, 0), {2 * kSliceItems, 1'000'000'000});
  bench.feed.batch(1, {1});
  int slices = 1;
  while (bench.step.activate() == Activity::kAgain) ++slices;
  EXPECT_EQ(slices, 3 + 1);  // the last one finds that nothing is left
  EXPECT_EQ(bench.feed.repaid(), 1);
}

TEST(ChainStep, KeepsItsPlaceInAllLinksWithoutCredit) {
  Bench bench(two_maps(3, 3), {2, 1000});
  bench.feed.batch(1, {1});
  bench.feed.eof(1);
  std::vector<std::string> seen;
  for (int turn = 0; turn < 20 && !bench.step.done(); ++turn) {
    const auto now = bench.run();
    EXPECT_LE(now.size(), 2u);
    seen.insert(seen.end(), now.begin(), now.end());
    bench.down.repay();
  }
  EXPECT_THAT(seen, ElementsAre("1:[100 101]", "1:[102 110]", "1:[111 112]", "1:[120 121]",
                                "1:[122]", "Eof1"));
}

// However much the first link makes of an item, no more than a window of it waits for the second.
TEST(ChainStep, BetweenTwoLinksThereIsNoMoreThanRoomBelow) {
  Bench bench(two_maps(10, 1), {2, 1000});
  bench.feed.batch(1, {1});
  EXPECT_THAT(bench.run(), ElementsAre("1:[100 110]"));
  EXPECT_EQ(bench.record.inspected_items().size(), 2u);
  bench.down.repay();
  EXPECT_THAT(bench.run(), ElementsAre("1:[120 130]"));
  EXPECT_EQ(bench.record.inspected_items().size(), 4u);
}

TEST(ChainStep, AnErrorIsOfTheLinkThatFailed) {
  for (const std::string link : {"a", "look", "b"}) {
    test::Flow flow = two_maps(1, 1);
    flow.at(link).before = [](const std::string& call, test::Seat) {
      if (call != "build") throw UserCodeError("testing", nullptr);
    };
    Bench bench(flow);
    bench.feed.batch(1, {1});
    try {
      bench.step.activate();
      ADD_FAILURE() << link;
    } catch (const UserCodeError& error) {
      EXPECT_EQ(error.context.step, link);
    }
  }
}

}  // namespace
}  // namespace cppwax::operators
