// In what order a worker does things, and when.
#include <gmock/gmock.h>

#include "engine/worker/worker.hpp"
#include "support/cluster.hpp"
#include "support/run_record.hpp"

namespace cppwax::worker {
namespace {

using namespace std::chrono_literals;
using test::Flow;
using test::gives;
using test::Ints;
using test::keyed;
using test::Script;
using test::Seat;
using test::sleeps;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

struct Bench {
  explicit Bench(const Flow& flow, test::ClusterSettings settings = {})
      : built(flow.build()),
        record(built),
        logic(built, time, record),
        cluster(built.plan, logic, time, settings) {}

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

TEST(WorkerOrder, AMergeTakesARoundOfTheSourcesInArgumentOrder) {
  Flow flow;
  flow.source("one", Script{gives({1}), gives({2}), gives({3})});
  flow.source("two", Script{gives({10}), gives({20}), gives({30})});
  flow.keyed_step("sum", flow.map("map", "two", [](std::int64_t item) { return item; }));
  flow.sink("out", flow.merge("both", {"sum", "one"}));
  for (const Duration interval : {Duration(0s), Duration(10s)}) {
    Bench bench(flow, {.epoch_interval = interval});
    EXPECT_TRUE(bench.cluster.run());
    EXPECT_THAT(bench.record.written("out"), ElementsAre(10, 1, 30, 2, 60, 3));
  }
}

TEST(WorkerOrder, AtIntervalZeroEachPollIsThroughBeforeTheNext) {
  Flow flow;
  flow.dynamic_source("in", [](Seat seat) {
    Script script;
    for (std::int64_t i = 1; i <= 3; ++i)
      script.push_back(gives({keyed(i, 1 + seat.worker.value())}));
    return script;
  });
  flow.inspect("look", flow.keyed_step("sum", flow.redistribute("spread", "in")));
  Bench bench(flow, {.worker_count = 2, .epoch_interval = 0s});
  EXPECT_TRUE(bench.cluster.run());
  auto seen = bench.record.inspected_items();
  for (std::string& line : seen) line = line.substr(0, line.find(':'));
  EXPECT_THAT(seen, ElementsAre("look 1", "look 1", "look 2", "look 2", "look 3", "look 3"));
}

TEST(WorkerOrder, AtIntervalZeroASleepingPartIsPolledAfterAnotherHasEnded) {
  Flow flow;
  flow.sink("out", flow.source(
                       "in", Flow::Scripts{{"a", {gives({1})}}, {"b", {sleeps(1h), gives({10})}}}));
  Bench bench(flow, {.epoch_interval = 0s});
  EXPECT_TRUE(bench.cluster.run());
  EXPECT_THAT(bench.record.written("out"), ElementsAre(1, 10));
}

TEST(WorkerOrder, EpochsCloseWhenTheIntervalIsOver) {
  Flow flow;
  flow.source("in", Script{gives({1}, 6s), gives({2}, 6s), gives({3}, 6s), gives({4})});
  flow.inspect("look", "in");
  Bench bench(flow, {.epoch_interval = 10s});
  EXPECT_TRUE(bench.cluster.run());
  EXPECT_THAT(bench.record.inspected_items(),
              ElementsAre("look 1: 1", "look 1: 2", "look 2: 3", "look 2: 4"));
}

TEST(WorkerOrder, IdleEpochsStayOpen) {
  Bench bench(simple({gives({1}, 1h), gives({2})}), {.epoch_interval = 1s});
  bench.cluster.settle();
  int wakes = 0;
  while (const auto due = bench.cluster.next_due()) {
    if (*due > bench.time.steady()) bench.time.advance(*due - bench.time.steady());
    bench.cluster.settle();
    ++wakes;
  }
  EXPECT_LE(wakes, 3) << "the end of epoch 1, the source, the end of epoch 2";
  EXPECT_THAT(bench.record.written("out"), ElementsAre(1, 2));
}

// P5: however much others send here, the sources here close their epochs.
TEST(WorkerOrder, AFloodFromOthersDoesNotKeepAnEpochOpen) {
  Flow flow;
  flow.dynamic_source("in", [](Seat) { return Script(5'000, gives({keyed(1, 1)})); });
  flow.sink("none", flow.dynamic_source("other", [](Seat) { return Script{}; }));  // or polls join
  flow.inspect("look", flow.keyed_step("sum", "in"));
  Bench bench(flow, {.worker_count = 2, .epoch_interval = 1ms});
  while (!bench.cluster.all_finished()) {
    for (std::size_t w = 0; w < 2; ++w) {
      if (!bench.cluster.finished(w)) bench.cluster.step(w);
    }
    bench.time.advance(10us);
  }
  const auto seen = bench.record.inspected_items();
  ASSERT_EQ(seen.size(), 10'000u);
  EXPECT_GT(std::count_if(seen.begin(), seen.end(),
                          [](const std::string& line) { return !line.starts_with("look 1:"); }),
            5'000)
      << "most items belong to later epochs than the first";
}

TEST(WorkerOrder, SleepsUntilTheLeastOfItsTimes) {
  Bench bench(simple({gives({1}, 5s), gives({2})}), {.epoch_interval = 10s});
  bench.cluster.settle();
  EXPECT_EQ(bench.cluster.next_due(), bench.time.steady() + 5s);
  Bench sleeper(simple({gives({1}, 50s), gives({2})}), {.epoch_interval = 10s});
  sleeper.cluster.settle();
  EXPECT_EQ(sleeper.cluster.next_due(), sleeper.time.steady() + 10s);
}

TEST(WorkerOrder, KeysAreNotifiedWhileSourcesSleep) {
  Flow flow;
  test::KeyedSpec body;
  body.due_after = 2s;
  body.on_due = [](std::int64_t, test::KeyState&, Ints& out) { out.push_back(77); };
  flow.source("in", Script{gives({5}, 1h)});
  flow.sink("out", flow.keyed_step("sum", "in", body));
  Bench bench(flow);
  bench.cluster.settle();
  bench.time.advance(2s);
  bench.cluster.settle();
  EXPECT_THAT(bench.record.written("out"), ElementsAre(5, 77));
}

// User code may always ask for a time that is over; the flow goes on beside it.
TEST(WorkerOrder, AKeyThatIsAlwaysDueStopsNothing) {
  Flow flow;
  test::KeyedSpec body;
  body.due_after = 0s;
  body.due_again = [](WallTime now) { return now; };
  flow.source("in", Script{gives({1}), gives({2}), gives({3})});
  flow.keyed_step("sum", "in", body);
  flow.sink("out", flow.merge("both", {"sum", "in"}));
  Bench bench(flow);
  for (int i = 0; i < 200 && !bench.cluster.all_finished(); ++i) bench.cluster.step(0);
  EXPECT_TRUE(bench.cluster.all_finished());
  EXPECT_THAT(bench.record.written("out"), UnorderedElementsAre(1, 3, 6, 1, 2, 3));
}

}  // namespace
}  // namespace cppwax::worker
