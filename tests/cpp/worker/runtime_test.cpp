#include "engine/worker/runtime.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <csignal>
#include <future>
#include <map>
#include <random>
#include <thread>

#include "engine/base/error.hpp"
#include "engine/graph/fusion.hpp"
#include "support/run_record.hpp"

namespace cppwax::worker {
namespace {

using namespace std::chrono_literals;
using test::Flow;
using test::gives;
using test::Ints;
using test::key_of;
using test::keyed;
using test::Script;
using test::Seat;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::SizeIs;

// A flow, its record, and one run of it on real threads.
struct Bench {
  explicit Bench(const Flow& flow, RunSettings settings = {})
      : built(flow.build()),
        plan(graph::fuse(built.plan)),
        record(built),
        logic(built, system_clock(), record),
        runtime(plan, logic, system_clock(), settings) {}

  test::BuiltFlow built;
  graph::Plan plan;
  test::RunRecord record;
  test::IntLogic logic;
  Runtime runtime;
};

// Sums by key, each told at the end of data alone.
test::KeyedSpec totals() {
  test::KeyedSpec body;
  body.on_item = [](std::int64_t, test::KeyState&, std::int64_t, Ints&) {};
  body.on_eof = [](std::int64_t key, test::KeyState& state, Ints& out) {
    out.push_back(keyed(key, state.sum));
  };
  return body;
}

// Lets one thread wait until others have been somewhere `count` times.
class Gate {
 public:
  explicit Gate(std::uint32_t count) : left_(static_cast<int>(count)) {}
  void pass() {
    if (--left_ == 0) open_.set_value();
  }
  void wait() { open_.get_future().wait(); }

 private:
  std::atomic<int> left_;
  std::promise<void> open_;
};

class RuntimeWithWorkers : public testing::TestWithParam<std::uint32_t> {};

INSTANTIATE_TEST_SUITE_P(Counts, RuntimeWithWorkers, testing::Values(1, 2, 3, 4),
                         testing::PrintToStringParamName());

TEST_P(RuntimeWithWorkers, SumsByKeyAreExact) {
  std::mt19937 random(GetParam());
  Flow::Scripts scripts;
  std::map<std::int64_t, std::int64_t> expected;
  for (const std::string part : {"a", "b", "c"}) {
    for (int poll = 0; poll < 200; ++poll) {
      Ints items;
      for (auto left = random() % 100; left > 0; --left) {
        items.push_back(keyed(random() % 50, random() % 1000));
        expected[key_of(items.back())] += test::value_of(items.back());
      }
      scripts[part].push_back(gives(items));
    }
  }
  Ints sums;
  for (const auto& [key, sum] : expected) sums.push_back(keyed(key, sum));
  for (const Duration interval : {Duration(10s), Duration(1ms), Duration(0)}) {
    Flow flow;
    flow.source("in", scripts);
    flow.map("same", flow.noop("noop", flow.redistribute("spread", "in")),
             [](std::int64_t item) { return item; });
    flow.sink("out", flow.keyed_step("sum", "same", totals()));
    Bench bench(flow, {.worker_count = GetParam(),
                       .epoch_interval = interval,
                       .window = {50, 400},
                       .on_caller_thread = GetParam() % 2 == 1});
    EXPECT_EQ(bench.runtime.run(), RunEnd::kEof);
    Ints written = bench.record.written("out");
    std::sort(written.begin(), written.end());
    EXPECT_THAT(written, ElementsAreArray(sums)) << interval.count();
  }
}

// A source that never ends on its own, on each worker.
Flow endless() {
  Flow flow;
  flow.add("in", graph::StepKind::kSourceDynamic, {}, {"in"}).script =
      [](Seat, const std::string&) { return Script(100'000, gives({keyed(1, 1)})); };
  flow.sink("out", flow.keyed_step("sum", "in", totals()));
  return flow;
}

TEST_P(RuntimeWithWorkers, AStopEndsAllWorkersAndLeavesStatesOpen) {
  Flow flow = endless();
  Gate polled(GetParam());
  std::vector<std::atomic<int>> polls(GetParam());
  flow.at("in").before = [&](const std::string& call, Seat seat) {
    if (call == "next_batch" && polls[seat.worker.value()]++ == 0) polled.pass();
  };
  Bench bench(flow, {.worker_count = GetParam(), .on_caller_thread = false});
  std::thread stopper([&] {
    polled.wait();
    bench.runtime.request_stop();
    bench.runtime.request_stop();
  });
  EXPECT_EQ(bench.runtime.run(), RunEnd::kStopped);
  stopper.join();
  EXPECT_THAT(bench.record.written("out"), SizeIs(0));
  for (std::uint32_t w = 0; w < GetParam(); ++w) {
    EXPECT_EQ(bench.record.count("in.close @" + std::to_string(w)), 1u);
    EXPECT_EQ(bench.record.count("out.close @" + std::to_string(w)), 1u);
  }
}

TEST_P(RuntimeWithWorkers, AStopBeforeTheRunEndsItAtOnce) {
  Bench bench(endless(), {.worker_count = GetParam()});
  bench.runtime.request_stop();
  EXPECT_EQ(bench.runtime.run(), RunEnd::kStopped);
}

TEST_P(RuntimeWithWorkers, AbandoningEndsItAlsoWhileAllSleep) {
  Flow flow = endless();
  flow.at("in").script = [](Seat, const std::string&) { return Script{gives({1}, 1h)}; };
  Gate polled(GetParam());
  flow.at("in").before = [&](const std::string& call, Seat) {
    if (call == "next_batch") polled.pass();
  };
  Bench bench(flow, {.worker_count = GetParam()});
  std::thread stopper([&] {
    polled.wait();
    EXPECT_FALSE(bench.runtime.abandon());
  });
  EXPECT_EQ(bench.runtime.run(), RunEnd::kAbandoned);
  stopper.join();
  EXPECT_EQ(bench.record.count("out.close @0"), 1u);
}

// Worker 0 stays in a call of user code while worker 1 ends the run as `end` has it.
struct Beside {
  Flow flow = endless();
  Gate inside{1}, closed{1}, let_go{1};
  std::atomic<int> told{0}, told_failure{0};

  RunSettings settings() {
    return {.worker_count = 2,
            .on_caller_thread = false,
            .on_early_end = [this](const std::exception_ptr& failure) {
              ++told;
              if (failure) ++told_failure;
            }};
  }

  template <class End>
  void ends_by(End end) {
    flow.at("in").script = [](Seat seat, const std::string&) {
      return seat.worker.value() == 1 ? Script{test::aborts()} : Script(2, gives({1}));
    };
    flow.at("in").before = [this, end](const std::string& call, Seat seat) {
      if (seat.worker.value() == 0 && call == "next_batch") {
        inside.pass();
        let_go.wait();
        throw UserCodeError("being interrupted", nullptr);
      }
      if (seat.worker.value() == 1 && call == "next_batch") {
        inside.wait();
        end();
      }
      if (seat.worker.value() == 1 && call == "close") closed.pass();
    };
  }
};

TEST(Runtime, AFailureIsToldWhileOthersAreAtWorkAndOutranksWhatComesLater) {
  Beside beside;
  beside.ends_by([] { throw UserCodeError("polling", nullptr); });
  Bench bench(beside.flow, beside.settings());
  std::thread watcher([&] {
    beside.closed.wait();
    EXPECT_TRUE(bench.runtime.ended_early());
    EXPECT_EQ(beside.told_failure, 1);
    EXPECT_THAT(bench.runtime.at_work(), SizeIs(1)) << "who closes is not at work";
    EXPECT_TRUE(bench.runtime.abandon());
    beside.let_go.pass();
  });
  try {
    bench.runtime.run();
    ADD_FAILURE();
  } catch (const UserCodeError& error) {
    EXPECT_EQ(error.doing, "polling");
  }
  watcher.join();
  EXPECT_THAT(bench.runtime.at_work(), SizeIs(0));
  EXPECT_TRUE(bench.runtime.abandon()) << "what failed later does not count";
}

TEST(Runtime, WhatFailsAfterAbandoningYieldsToAnAbort) {
  Beside beside;
  beside.ends_by([] {});
  Bench bench(beside.flow, beside.settings());
  std::thread watcher([&] {
    beside.closed.wait();
    EXPECT_EQ(beside.told, 1);
    EXPECT_EQ(beside.told_failure, 0);
    EXPECT_FALSE(bench.runtime.abandon());
    beside.let_go.pass();
  });
  EXPECT_EQ(bench.runtime.run(), RunEnd::kAborted);
  watcher.join();
}

TEST(Runtime, TheOnlyProcessIsNotNamed) {
  Flow flow = endless();
  flow.at("in").before = [](const std::string& call, Seat) {
    if (call == "next_batch") throw UserCodeError("polling", nullptr);
  };
  Bench bench(flow);
  try {
    bench.runtime.run();
    ADD_FAILURE();
  } catch (const UserCodeError& error) {
    EXPECT_EQ(error.context.process, std::nullopt);
  }
}

TEST_P(RuntimeWithWorkers, AnAbortOfOneWorkerEndsAll) {
  Flow flow = endless();
  flow.at("in").script = [](Seat seat, const std::string&) {
    const bool last = seat.worker.value() + 1 == seat.worker_count;
    return last ? Script{gives({1}), test::aborts()} : Script{gives({1}, 1h)};
  };
  Bench bench(flow, {.worker_count = GetParam()});
  EXPECT_EQ(bench.runtime.run(), RunEnd::kAborted);
  for (std::uint32_t w = 0; w < GetParam(); ++w) {
    const std::string at = " @" + std::to_string(w);
    EXPECT_EQ(bench.record.count("in.close" + at), bench.record.count("in.build" + at));
    EXPECT_EQ(bench.record.count("out.close" + at), bench.record.count("out.build" + at));
  }
}

TEST_P(RuntimeWithWorkers, AFailureOfOneWorkerEndsAllAndIsRaised) {
  Flow flow = endless();
  flow.at("in").script = [](Seat seat, const std::string&) {
    const bool last = seat.worker.value() + 1 == seat.worker_count;
    return last ? Script(5, gives({1})) : Script{gives({1}, 1h)};
  };
  flow.at("in").before = [count = std::make_shared<std::atomic<int>>(0)](const std::string& call,
                                                                         Seat seat) {
    const bool last = seat.worker.value() + 1 == seat.worker_count;
    if (last && call == "next_batch" && ++*count == 3) throw UserCodeError("polling", nullptr);
    if (call == "close") throw UserCodeError("closing", nullptr);
  };
  Bench bench(flow, {.worker_count = GetParam()});
  try {
    bench.runtime.run();
    FAIL();
  } catch (const UserCodeError& error) {
    EXPECT_EQ(error.doing, "polling") << "what fails while closing is a consequence";
    EXPECT_EQ(error.context.step, "in");
    EXPECT_EQ(error.context.worker, WorkerIndex(GetParam() - 1));
  }
}

TEST_P(RuntimeWithWorkers, AFailureToCloseIsRaisedWhereNothingElseFailed) {
  Flow flow = endless();
  flow.at("in").script = [](Seat, const std::string&) { return Script{gives({1})}; };
  flow.at("out").before = [](const std::string& call, Seat) {
    if (call == "close") throw UserCodeError("closing", nullptr);
  };
  Bench bench(flow, {.worker_count = GetParam()});
  try {
    bench.runtime.run();
    FAIL();
  } catch (const UserCodeError& error) {
    EXPECT_EQ(error.context.step, "out");
    EXPECT_EQ(error.context.worker, WorkerIndex(0)) << "the lowest";
  }
}

TEST_P(RuntimeWithWorkers, AFailureToBuildEndsAll) {
  Flow flow = endless();
  flow.at("sum").before = [](const std::string& call, Seat seat) {
    const bool last = seat.worker.value() + 1 == seat.worker_count;
    if (last && call == "build") throw UserCodeError("building", nullptr);
  };
  Bench bench(flow, {.worker_count = GetParam()});
  EXPECT_THROW(bench.runtime.run(), UserCodeError);
  EXPECT_EQ(bench.record.count("in.close @" + std::to_string(GetParam() - 1)), 1u);
}

// The clock of the machine, and how often it was asked: a worker that does not park asks on and on.
class CountingClock final : public Clock {
 public:
  WallTime wall() const override {
    ++count;
    return system_clock().wall();
  }
  SteadyTime steady() const override {
    ++count;
    return system_clock().steady();
  }
  mutable std::atomic<int> count{0};
};

TEST(Runtime, AnIdleRunParks) {
  Flow flow;
  flow.source("in", Script{gives({1}, 300ms), gives({2}, 300ms), gives({3})});
  flow.sink("out", flow.keyed_step("sum", "in"));
  const test::BuiltFlow built = flow.build();
  test::RunRecord record(built);
  CountingClock clock;
  test::IntLogic logic(built, clock, record);
  Runtime runtime(built.plan, logic, clock, {.worker_count = 3});
  EXPECT_EQ(runtime.run(), RunEnd::kEof);
  EXPECT_THAT(record.written("out"), ElementsAre(1, 3, 6));
  EXPECT_LT(clock.count, 500) << "0.6 s in which nothing happens";
}

TEST(Runtime, RunsOnTheThreadThatCallsOrBesideIt) {
  for (const bool on_caller_thread : {true, false}) {
    std::atomic<bool> called_here{false};
    Flow flow;
    flow.source("in", Script{gives({1})});
    flow.sink("out", "in");
    const auto here = std::this_thread::get_id();
    flow.at("out").before = [&](const std::string&, Seat) {
      if (std::this_thread::get_id() == here) called_here = true;
    };
    Bench bench(flow, {.on_caller_thread = on_caller_thread});
    EXPECT_EQ(bench.runtime.run(), RunEnd::kEof);
    EXPECT_EQ(called_here, on_caller_thread);
  }
}

TEST(Runtime, ItsThreadsGetNoSignals) {
  std::atomic<int> blocked{0};
  Flow flow;
  flow.dynamic_source("in", [](Seat) { return Script{gives({1})}; });
  flow.sink("out", "in");
  const auto here = std::this_thread::get_id();
  flow.at("in").before = [&](const std::string& call, Seat) {
    if (call != "next_batch" || std::this_thread::get_id() == here) return;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    if (sigismember(&mask, SIGINT) && sigismember(&mask, SIGTERM)) ++blocked;
  };
  Bench bench(flow, {.worker_count = 3});
  bench.runtime.run();
  EXPECT_EQ(blocked, 4) << "two polls on each of two threads";
}

}  // namespace
}  // namespace cppwax::worker
