#include "engine/worker/worker.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "engine/base/error.hpp"
#include "support/cluster.hpp"
#include "support/run_record.hpp"

namespace cppwax::worker {
namespace {

using namespace std::chrono_literals;
using test::aborts;
using test::Flow;
using test::gives;
using test::Ints;
using test::keyed;
using test::Script;
using test::Seat;
using test::sleeps;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Bench {
  explicit Bench(const Flow& flow, test::ClusterSettings settings = {})
      : built(flow.build()),
        record(built),
        logic(built, time, record),
        cluster(built.plan, logic, time, settings) {}

  void stop() { cluster.post(WorkerIndex(0), channel::Control(channel::StopRequest{})); }

  test::BuiltFlow built;
  test::FakeClock time;
  test::RunRecord record;
  test::IntLogic logic;
  test::Cluster cluster;
};

Flow simple(Script script) {
  Flow flow;
  flow.sink("out", flow.source("in", std::move(script)));
  return flow;
}

// ---- The start.

TEST(Worker, RunsNoUserCodeBeforeItsFirstStep) {
  Bench bench(simple({gives({1})}));
  EXPECT_THAT(bench.record.calls(), IsEmpty());
}

TEST(Worker, BuildsSourcesBeforeAllElse) {
  Flow flow;
  flow.source("one", Script{});
  flow.sink("out", "one");
  flow.sink("end", flow.source("two", Script{}));
  Bench bench(flow);
  bench.cluster.step(0);
  const auto calls = bench.record.calls();
  ASSERT_GE(calls.size(), 8u);
  EXPECT_THAT(std::vector<std::string>(calls.begin(), calls.begin() + 8),
              ElementsAre("one.list_parts @0", "two.list_parts @0", "one.build part @0",
                          "one.next_awake @0", "two.build part @0", "two.next_awake @0",
                          "out.build @0", "end.build @0"));
}

TEST(Worker, BuildsNothingBeforeAllWorkersHaveListedTheirPartitions) {
  Bench bench(simple({gives({1})}), {.worker_count = 2});
  EXPECT_EQ(bench.cluster.step(0), StepResult::kIdle);
  EXPECT_EQ(bench.cluster.step(0), StepResult::kIdle);
  EXPECT_THAT(bench.record.calls(), ElementsAre("in.list_parts @0"));
  EXPECT_EQ(bench.cluster.step(1), StepResult::kWorked) << "it has heard of both";
  EXPECT_EQ(bench.cluster.step(0), StepResult::kWorked);
  EXPECT_TRUE(bench.cluster.run());
  EXPECT_THAT(bench.record.written("out"), ElementsAre(1));
  EXPECT_EQ(bench.record.count("in.build part @0") + bench.record.count("in.build part @1"), 1u);
}

TEST(Worker, ASourceWithoutPartsHearsOfItBeforeAnythingIsBuilt) {
  Flow flow;
  flow.source("one", Flow::Scripts{});
  flow.sink("out", "one");
  Bench bench(flow, {.worker_count = 2});
  EXPECT_TRUE(bench.cluster.run());
  for (const std::string worker : {"0", "1"}) {
    const auto calls = bench.record.calls();
    const auto told = std::find(calls.begin(), calls.end(), "one.found_no_parts @" + worker);
    const auto built = std::find(calls.begin(), calls.end(), "out.build @" + worker);
    ASSERT_NE(built, calls.end());
    EXPECT_LT(told, built);
  }
}

TEST(Worker, ASourceWithPartsOnAnyWorkerIsNotToldOfNone) {
  Flow flow = simple({gives({1})});
  flow.at("in").list_parts = [](Seat seat) {
    return std::vector<std::string>(seat.worker.value(), "part");
  };
  Bench bench(flow, {.worker_count = 2});
  EXPECT_TRUE(bench.cluster.run());
  EXPECT_EQ(bench.record.count("in.found_no_parts @0"), 0u);
  EXPECT_EQ(bench.record.count("in.found_no_parts @1"), 0u);
}

TEST(Worker, ItemsThatComeBeforeItHasStartedWait) {
  Flow flow;
  flow.dynamic_source("in", [](Seat seat) {
    return seat.worker == WorkerIndex(1) ? Script{gives(test::counting(100))} : Script{};
  });
  flow.sink("out", flow.redistribute("spread", "in"));
  Bench bench(flow, {.worker_count = 2});
  while (bench.cluster.step(1, {}) == StepResult::kWorked) {
  }
  EXPECT_FALSE(bench.cluster.queue(1, 0).empty());
  EXPECT_TRUE(bench.cluster.run());
  EXPECT_EQ(bench.record.written("out").size(), 100u);
}

// Worker 0 has no part and reports nothing itself; the work of worker 1 is told to it together with
// what it waits for at its start.
TEST(Worker, TheClockHearsOfWorkThatWasDoneBeforeItStarted) {
  Flow flow = simple({gives({1}), gives({2}), gives({3})});
  flow.at("in").list_parts = [](Seat seat) {
    return std::vector<std::string>(seat.worker.value(), "part");
  };
  Bench bench(flow, {.worker_count = 2, .epoch_interval = 0s});
  EXPECT_EQ(bench.cluster.step(0), StepResult::kIdle);
  while (bench.cluster.step(1) == StepResult::kWorked) {
  }
  EXPECT_THAT(bench.record.written("out"), ElementsAre(1));
  EXPECT_TRUE(bench.cluster.run()) << "waits for ever";
  EXPECT_THAT(bench.record.written("out"), ElementsAre(1, 2, 3));
}

// ---- Errors.

// Fails in this piece of user code of this step; returns the error.
Error failure_of(Flow flow, const std::string& step, const std::string& call,
                 std::uint32_t worker_count = 1) {
  flow.at(step).before = [call](const std::string& now, Seat seat) {
    const bool here = seat.worker.value() + 1 == seat.worker_count;
    if (now == call && here) throw UserCodeError(now, nullptr);
  };
  Bench bench(flow, {.worker_count = worker_count, .epoch_interval = 0s});
  try {
    bench.cluster.run();
  } catch (const Error& error) {
    bench.cluster.close();
    return error;
  }
  return Error("no failure");
}

Flow long_flow() {
  Flow flow;
  flow.dynamic_source("in", [](Seat) { return Script{gives({1}), gives({1})}; });
  flow.map("map", "in", [](std::int64_t item) { return item; });
  test::KeyedSpec body;
  body.due_after = 0s;
  flow.keyed_step("sum", "map", body);
  flow.sink("out", "sum");
  return flow;
}

TEST(Worker, ErrorsLearnWhereTheyHappened) {
  for (const auto& [step, call] :
       std::vector<std::pair<std::string, std::string>>{{"in", "build"},
                                                        {"in", "next_awake"},
                                                        {"in", "next_batch"},
                                                        {"map", "flat_map"},
                                                        {"sum", "on_batch"},
                                                        {"sum", "on_due"},
                                                        {"sum", "on_eof"},
                                                        {"out", "write"}}) {
    const Error error = failure_of(long_flow(), step, call);
    EXPECT_THAT(error.what(), HasSubstr(call));
    EXPECT_EQ(error.context.step, step) << call;
    EXPECT_EQ(error.context.worker, WorkerIndex(0)) << call;
    EXPECT_TRUE(error.context.epoch.has_value()) << call;
  }
}

TEST(Worker, AnErrorOfAListingHasItsContext) {
  const Error error = failure_of(simple({}), "in", "list_parts", 2);
  EXPECT_EQ(error.context.step, "in");
  EXPECT_EQ(error.context.worker, WorkerIndex(1));
}

TEST(Worker, ASourceMayRefuseToHaveNoParts) {
  Flow flow;
  flow.source("in", Flow::Scripts{});
  flow.sink("out", "in");
  const Error error = failure_of(flow, "in", "found_no_parts", 2);
  EXPECT_THAT(error.what(), HasSubstr("found_no_parts"));
  EXPECT_EQ(error.context.step, "in");
  EXPECT_EQ(error.context.worker, WorkerIndex(1));
}

TEST(Worker, AnErrorOfRoutingIsOfTheStepThatTheItemsGoTo) {
  const Error error = failure_of(long_flow(), "sum", "route", 2);
  EXPECT_EQ(error.context.step, "sum");
  EXPECT_EQ(error.context.worker, WorkerIndex(1));
}

TEST(Worker, AnErrorNamesTheEpoch) {
  Flow flow = simple({gives({1}), gives({2}), gives({3})});
  flow.at("out").before = [count = 0](const std::string& call, Seat) mutable {
    if (call == "write" && ++count == 3) throw UserCodeError("writing", nullptr);
  };
  Bench bench(flow, {.epoch_interval = 0s});
  try {
    bench.cluster.run();
    FAIL();
  } catch (const UserCodeError& error) {
    EXPECT_EQ(error.context.epoch, Epoch(3));
    EXPECT_EQ(bench.cluster.at(0).epoch(), Epoch(3));
  }
}

// ---- The end.

TEST(Worker, ClosesSourcesAndSinksOnceAlsoWhenOneFails) {
  Flow flow;
  flow.source("one", Script(3, gives({1})));
  flow.source("two", Script(3, gives({1})));
  flow.sink("out", flow.merge("both", {"one", "two"}));
  flow.sink("end", "both");
  flow.at("one").before = flow.at("out").before = [](const std::string& call, Seat) {
    if (call == "close") throw UserCodeError("closing", nullptr);
  };
  Bench bench(flow);
  for (int i = 0; i < 6; ++i) bench.cluster.step(0);
  try {
    bench.cluster.close();
    FAIL();
  } catch (const UserCodeError& error) {
    EXPECT_EQ(error.context.step, "one") << "the first of them";
  }
  for (const std::string step : {"one", "two", "out", "end"}) {
    EXPECT_EQ(bench.record.count(step + ".close @0"), 1u) << step;
  }
}

TEST(Worker, ClosesWhatWasBuiltWhenBuildingFails) {
  Flow flow;
  flow.source("one", Flow::Scripts{{"a", {}}, {"b", {}}});
  flow.source("two", Flow::Scripts{{"a", {}}, {"b", {}}});
  flow.at("two").before = [](const std::string& call, Seat) {
    if (call == "build b") throw UserCodeError("building", nullptr);
  };
  flow.sink("out", flow.merge("both", {"one", "two"}));
  Bench bench(flow);
  EXPECT_THROW(bench.cluster.step(0), UserCodeError);
  bench.cluster.close();
  EXPECT_EQ(bench.record.count("one.close @0"), 2u);
  EXPECT_EQ(bench.record.count("two.close @0"), 1u);
  EXPECT_EQ(bench.record.count("out.build @0"), 0u);
}

TEST(Worker, ClosesPartsWhoseFirstTimeFails) {
  Flow flow = simple({});
  flow.at("in").before = [](const std::string& call, Seat) {
    if (call == "next_awake") throw UserCodeError("asking", nullptr);
  };
  Bench bench(flow);
  EXPECT_THROW(bench.cluster.step(0), UserCodeError);
  bench.cluster.close();
  EXPECT_EQ(bench.record.count("in.close @0"), 1u);
}

TEST(Worker, ClosesNothingThatWasNotBuilt) {
  Bench bench(simple({}));
  bench.cluster.close();
  EXPECT_THAT(bench.record.calls(), IsEmpty());
}

TEST(Worker, AnAbortFinishesItAtOnce) {
  Bench bench(simple({gives({1}), aborts(), gives({2})}));
  EXPECT_TRUE(bench.cluster.run());
  EXPECT_TRUE(bench.cluster.at(0).aborted());
  EXPECT_THAT(bench.record.written("out"), ElementsAre(1));
  bench.cluster.close();
  EXPECT_EQ(bench.record.count("in.close @0"), 1u);
  EXPECT_EQ(bench.record.count("out.close @0"), 1u);
}

TEST(Worker, AllWorkersAgreeHowTheFlowEnded) {
  Flow flow;
  flow.dynamic_source("in", [](Seat seat) {
    return seat.worker == WorkerIndex(1) ? Script(5, gives({1}, 1h)) : Script{};
  });
  test::KeyedSpec body;
  body.on_eof = [](std::int64_t, test::KeyState&, Ints& out) { out.push_back(99); };
  flow.sink("out", flow.keyed_step("sum", "in", body));
  Bench bench(flow, {.worker_count = 2});
  bench.cluster.settle();
  bench.stop();
  EXPECT_TRUE(bench.cluster.run());
  EXPECT_EQ(bench.cluster.at(0).end_kind(), data::EndKind::kStopped);
  EXPECT_EQ(bench.cluster.at(1).end_kind(), data::EndKind::kStopped);
  EXPECT_THAT(bench.record.written("out"), ElementsAre(1)) << "and no `on_eof`";
}

TEST(Worker, AStopBeforeTheStartPollsNothing) {
  Bench bench(simple({gives({1})}));
  bench.stop();
  EXPECT_TRUE(bench.cluster.run());
  EXPECT_EQ(bench.record.count("in.next_batch @0"), 0u);
  EXPECT_EQ(bench.cluster.at(0).end_kind(), data::EndKind::kStopped);
}

TEST(Worker, AStopDeliversWhatIsInFlight) {
  Flow flow = simple(Script(100, gives({1})));
  Bench bench(flow);
  for (int i = 0; i < 20; ++i) bench.cluster.step(0);
  bench.stop();
  EXPECT_TRUE(bench.cluster.run());
  EXPECT_GT(bench.record.count("in.next_batch @0"), 0u);
  EXPECT_LT(bench.record.count("in.next_batch @0"), 100u);
  EXPECT_EQ(bench.record.written("out").size(), bench.record.count("in.next_batch @0"));
}

}  // namespace
}  // namespace cppwax::worker
