// A sink hears of the end of an epoch before anything else does.
#include "engine/operators/sink.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/base/error.hpp"
#include "support/step_bench.hpp"

namespace cppwax::operators {
namespace {

using test::Drain;
using test::Feed;
using test::outputs_to;
using testing::ElementsAre;
using testing::IsEmpty;

// Notes what has been told already when it is called.
class NotingSink final : public SinkLogic {
 public:
  NotingSink(std::vector<std::string>& calls, Drain& probe, Drain& stored)
      : calls_(calls), probe_(probe), stored_(stored) {}

  void write(data::PayloadPtr) override { calls_.emplace_back("write"); }
  void end_epoch() override {
    if (fails) throw UserCodeError("not delivered", nullptr);
    for (const std::string& told : probe_.take()) calls_.push_back("probe " + told);
    for (const std::string& told : stored_.take()) calls_.push_back("stored " + told);
    calls_.emplace_back("end");
  }
  void close() override { calls_.emplace_back("close"); }

  bool fails = false;

 private:
  std::vector<std::string>& calls_;
  Drain& probe_;
  Drain& stored_;
};

struct Bench {
  Bench() {
    auto noting = std::make_unique<NotingSink>(calls, probe, stored);
    sink = noting.get();
    step = std::make_unique<DynamicSinkStep>(
        std::move(noting),
        Wires{StepId("sink"), {feed.receiver()}, outputs_to({}, {&probe}, &stored)}, host,
        kFirstEpoch);
  }

  std::vector<std::string> turns() {
    while (step->activate() == Activity::kAgain) {
    }
    return std::exchange(calls, {});
  }

  test::FakeHost host;
  Feed feed{2};
  Drain probe;
  Drain stored;
  std::vector<std::string> calls;
  NotingSink* sink = nullptr;
  std::unique_ptr<DynamicSinkStep> step;
};

TEST(Sink, HearsOfTheEndOfAnEpochOnceAllOfItIsWrittenAndBeforeTheProbeAndTheStore) {
  Bench bench;
  bench.feed.batch(1, {10}, 0);
  bench.feed.frontier(2, 0);
  EXPECT_THAT(bench.turns(), ElementsAre("write"));
  bench.feed.batch(1, {11}, 1);
  bench.feed.frontier(2, 1);
  EXPECT_THAT(bench.turns(), ElementsAre("write", "end"));
  EXPECT_THAT(bench.probe.take(), ElementsAre("F2"));
  EXPECT_THAT(bench.stored.take(), ElementsAre("F2"));
}

TEST(Sink, HearsOfBothEndsBeforeTheyAreTold) {
  for (const bool stops : {false, true}) {
    Bench bench;
    for (const std::size_t sender : {0, 1}) {
      bench.feed.batch(1, {10}, sender);
      stops ? bench.feed.stopped(1, sender) : bench.feed.eof(1, sender);
    }
    EXPECT_THAT(bench.turns(), ElementsAre("write", "write", "end"));
    EXPECT_THAT(bench.probe.take(), ElementsAre(stops ? "Stopped1" : "Eof1"));
    EXPECT_THAT(bench.stored.take(), ElementsAre(stops ? "Stopped1" : "Eof1"));
  }
}

TEST(Sink, AnEpochWhoseEndFailsIsNotOver) {
  Bench bench;
  bench.sink->fails = true;
  bench.feed.batch(1, {10}, 0);
  bench.feed.frontier(2, 0);
  bench.feed.frontier(2, 1);
  EXPECT_THROW(bench.turns(), UserCodeError);
  EXPECT_EQ(bench.step->epoch(), Epoch(1)) << "for the message";
  EXPECT_THAT(bench.probe.take(), IsEmpty());
  EXPECT_THAT(bench.stored.take(), IsEmpty());
}

TEST(Sink, NothingEndsWhenTheRunIsGivenUp) {
  Bench bench;
  bench.feed.batch(1, {10}, 0);
  EXPECT_THAT(bench.turns(), ElementsAre("write"));
  bench.step->close();
  EXPECT_THAT(bench.calls, ElementsAre("close"));
}

}  // namespace
}  // namespace cppwax::operators
