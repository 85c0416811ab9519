#include "engine/operators/stateful_batch.hpp"

#include <gmock/gmock.h>

#include "support/run_record.hpp"
#include "support/step_bench.hpp"

namespace cppwax::operators {
namespace {

using namespace std::chrono_literals;
using test::Ints;
using test::keyed;
using test::outputs_to;
using testing::ElementsAre;
using testing::IsEmpty;

// One keyed step whose body is of integers.
struct Bench {
  explicit Bench(test::KeyedSpec body = {}, channel::Amount window = {100, 10000})
      : flow(flow_with(std::move(body))),
        record(flow),
        logic(flow, host.time, record),
        down(window),
        step(logic.keyed_body(flow.index_of("sum"), {}),
             {"sum", {feed.receiver()}, outputs_to({&down})}, host, kFirstEpoch) {}

  static test::BuiltFlow flow_with(test::KeyedSpec body) {
    test::Flow flow;
    flow.sink("out", flow.keyed_step("sum", flow.source("in", test::Script{}), std::move(body)));
    return flow.build();
  }
  std::vector<std::string> run() {
    while (step.activate() == Activity::kAgain) {
    }
    return down.take();
  }

  test::InScope scope;
  test::FakeHost host;
  test::BuiltFlow flow;
  test::RunRecord record;
  test::IntLogic logic;
  test::Feed feed;
  test::Drain down;
  StatefulBatchStep step;
};

std::string text(std::uint64_t epoch, const Ints& items) {
  return test::text_of(data::Batch{Epoch(epoch), test::ints(items)});
}

test::KeyedSpec with_due(Duration after) {
  test::KeyedSpec body;
  body.due_after = after;
  body.on_due = [](std::int64_t key, test::KeyState& state, Ints& out) {
    out.push_back(keyed(key, 1000 + state.sum));
  };
  body.on_eof = [](std::int64_t key, test::KeyState& state, Ints& out) {
    out.push_back(keyed(key, 2000 + state.sum));
  };
  return body;
}

TEST(StatefulBatchStep, WorksOnWholeBatches) {
  Bench bench;
  bench.feed.batch(1, {keyed(1, 5), keyed(2, 6), keyed(1, 7)});
  EXPECT_THAT(bench.run(), ElementsAre(text(1, {keyed(1, 5), keyed(2, 6), keyed(1, 12)})));
  EXPECT_THAT(bench.record.calls_of("sum"), ElementsAre("build @0", "on_batch @0"));
}

TEST(StatefulBatchStep, NotifiesAtTheDueTime) {
  Bench bench(with_due(10s));
  bench.feed.batch(1, {keyed(1, 5)});
  bench.run();
  EXPECT_EQ(bench.step.next_wake(), bench.host.time.wall() + 10s);
  bench.host.time.advance(9s);
  EXPECT_THAT(bench.run(), IsEmpty());
  bench.host.time.advance(1s);
  EXPECT_THAT(bench.run(), ElementsAre(text(1, {keyed(1, 1005)})));
  EXPECT_EQ(bench.step.next_wake(), std::nullopt);
}

TEST(StatefulBatchStep, NotifiesBetweenBatches) {
  Bench bench(with_due(0s));
  bench.feed.batch(1, {keyed(1, 5), keyed(2, 6)});
  bench.feed.batch(1, {keyed(1, 1)});
  bench.run();
  EXPECT_THAT(bench.record.calls_of("sum"),
              ElementsAre("build @0", "on_batch @0", "on_due @0", "on_batch @0", "on_due @0"));
}

TEST(StatefulBatchStep, SeesTheBatchesOfAJoinedPayload) {
  Bench bench(with_due(0us));
  data::PayloadPtr joined = test::ints({keyed(1, 1)});
  joined->append(test::ints({keyed(1, 2)}));
  bench.feed.receiver()->deliver(0, data::Batch{kFirstEpoch, std::move(joined), {2, 16}});
  EXPECT_THAT(bench.run(), ElementsAre(text(1, {keyed(1, 1)}), text(1, {keyed(1, 1001)}),
                                       text(1, {keyed(1, 3)}), text(1, {keyed(1, 1003)})));
  EXPECT_EQ(bench.feed.repaid(), 2);
}

TEST(StatefulBatchStep, NotifiesInTheEpochItIsIn) {
  Bench bench(with_due(10s));
  bench.feed.batch(1, {keyed(1, 5)});
  bench.feed.frontier(4);
  bench.run();
  bench.host.time.advance(10s);
  EXPECT_THAT(bench.run(), ElementsAre(text(4, {keyed(1, 1005)})));
  EXPECT_THAT(bench.host.active, ElementsAre(4u));
}

TEST(StatefulBatchStep, KeepsItsPlaceAmongTheKeysThatAreDue) {
  Bench bench(with_due(10s), {2, 1000});
  bench.feed.batch(1, {keyed(1, 1), keyed(2, 2)});
  bench.run();
  bench.down.repay();
  bench.feed.batch(1, {keyed(3, 3)});
  bench.run();
  bench.host.time.advance(10s);
  // One item of credit is left: one key of three.
  EXPECT_THAT(bench.run(), ElementsAre(text(1, {keyed(1, 1001)})));
  bench.feed.batch(1, {keyed(4, 4)});
  bench.down.repay();
  EXPECT_THAT(bench.run(), ElementsAre(text(1, {keyed(2, 1002), keyed(3, 1003)})));
  bench.down.repay();
  EXPECT_THAT(bench.run(), ElementsAre(text(1, {keyed(4, 4)})));
}

TEST(StatefulBatchStep, CallsOnEofAtTheEndOfDataOnly) {
  Bench at_end(with_due(10s));
  at_end.feed.batch(1, {keyed(2, 5), keyed(1, 6)});
  at_end.feed.eof(3);
  EXPECT_THAT(at_end.run(), ElementsAre(text(1, {keyed(2, 5), keyed(1, 6)}), "F3",
                                        text(3, {keyed(1, 2006), keyed(2, 2005)}), "Eof3"));
}

TEST(StatefulBatchStep, LeavesStatesOpenWhenStopped) {
  Bench bench(with_due(10s));
  bench.feed.batch(1, {keyed(2, 5)});
  bench.feed.stopped(3);
  EXPECT_THAT(bench.run(), ElementsAre(text(1, {keyed(2, 5)}), "F3", "Stopped3"));
  EXPECT_THAT(bench.record.calls_of("sum"), ElementsAre("build @0", "on_batch @0"));
}

}  // namespace
}  // namespace cppwax::operators
