// Runs of several processes, as objects of one test program over real sockets.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/guarded.hpp"
#include "engine/graph/fusion.hpp"
#include "engine/worker/runtime.hpp"
#include "support/net_node.hpp"
#include "support/raw_socket.hpp"
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
using testing::HasSubstr;

// One process of a cluster: a flow, its record, and its runtime.
class Process {
 public:
  Process(const Flow& flow, transport::ClusterSettings cluster, std::uint32_t workers)
      : built_(flow.build()),
        plan_(graph::fuse(built_.plan)),
        record(built_),
        logic_(built_, system_clock(), record) {
    cluster.facts.workers_per_process = workers;
    cluster.channel_count = static_cast<std::uint32_t>(plan_.channels().size());
    cluster.step_count = static_cast<std::uint32_t>(plan_.steps().size());
    RunSettings settings;
    settings.worker_count = workers;
    settings.epoch_interval = 1ms;
    settings.window = {20, 10'000};
    settings.on_caller_thread = false;
    settings.cluster = std::move(cluster);
    settings.describe = [](const std::exception_ptr& error) {
      transport::Failure failure;
      try {
        std::rethrow_exception(error);
      } catch (const Error& known) {
        failure.message = known.what();
        failure.step = known.context.step;
      }
      return failure;
    };
    settings.on_warning = [this](const std::string& text) { on_warning(text); };
    settings.on_stop = [] {};
    const test::InScope scope;
    runtime.emplace(plan_, logic_, system_clock(), std::move(settings));
  }
  ~Process() {
    const test::InScope scope;
    runtime.reset();
  }

  void start() {
    ended_ = std::async(std::launch::async, [this] { return runtime->run(); });
  }
  RunEnd end() { return ended_.get(); }
  std::string failure() {
    try {
      ended_.get();
      return "";
    } catch (const RemoteFailure& error) {
      return std::string("told: ") + error.what();
    } catch (const Error& error) {
      return error.what();
    }
  }

 private:
  test::BuiltFlow built_;
  graph::Plan plan_;

 public:
  test::RunRecord record;

 private:
  test::IntLogic logic_;
  std::future<RunEnd> ended_;

 public:
  std::function<void(const std::string&)> on_warning = [](const std::string&) {};
  std::optional<Runtime> runtime;
};

using Processes = std::vector<std::unique_ptr<Process>>;

Processes processes_of(const Flow& flow, std::uint32_t count, std::uint32_t workers) {
  const auto addresses = test::free_addresses(count);
  Processes all;
  for (std::uint32_t p = 0; p < count; ++p) {
    all.push_back(std::make_unique<Process>(flow, test::settings_for(p, addresses), workers));
  }
  for (auto& process : all) process->start();
  return all;
}

Ints written(Processes& processes, const StepId& step) {
  Ints all;
  for (auto& process : processes) {
    const Ints some = process->record.written(step);
    all.insert(all.end(), some.begin(), some.end());
  }
  std::sort(all.begin(), all.end());
  return all;
}

Flow endless() {
  Flow flow;
  flow.dynamic_source("in", [](Seat) { return Script(100'000, gives({1}, 1ms)); });
  flow.sink("out", "in");
  return flow;
}

struct Shape {
  std::uint32_t processes;
  std::uint32_t workers;
};

class RuntimesOf : public testing::TestWithParam<Shape> {};

INSTANTIATE_TEST_SUITE_P(Shapes, RuntimesOf, testing::Values(Shape{2, 1}, Shape{2, 3}, Shape{3, 2}),
                         [](const auto& of) {
                           return std::to_string(of.param.processes) + "x" +
                                  std::to_string(of.param.workers);
                         });

TEST_P(RuntimesOf, WorkTogetherOnKeys) {
  constexpr std::int64_t kKeys = 17;
  constexpr std::int64_t kPolls = 200;
  Flow flow;
  flow.dynamic_source("in", [](Seat) {
    Script script;
    for (std::int64_t i = 0; i < kPolls; ++i) script.push_back(gives({keyed(i % kKeys, 1)}));
    return script;
  });
  flow.redistribute("spread", "in");
  test::KeyedSpec totals;
  totals.on_item = [](std::int64_t, test::KeyState&, std::int64_t, Ints&) {};
  totals.on_eof = [](std::int64_t key, test::KeyState& state, Ints& out) {
    out.push_back(keyed(key, state.sum));
  };
  flow.keyed_step("sum", "spread", totals);
  flow.sink("out", "sum");
  Processes processes = processes_of(flow, GetParam().processes, GetParam().workers);
  for (auto& process : processes) EXPECT_EQ(process->end(), RunEnd::kEof);

  Ints expected;
  const auto workers = static_cast<std::int64_t>(GetParam().processes * GetParam().workers);
  for (std::int64_t key = 0; key < kKeys; ++key) {
    const std::int64_t polls = kPolls / kKeys + (key < kPolls % kKeys ? 1 : 0);
    expected.push_back(keyed(key, polls * workers));
  }
  EXPECT_EQ(written(processes, "out"), expected);
}

TEST_P(RuntimesOf, AllShowTheFailureOfOne) {
  Flow flow = endless();
  flow.at("in").before = [](const std::string& call, Seat seat) {
    const bool last = seat.worker.value() + 1 == seat.worker_count;
    if (last && call == "next_batch") throw UserCodeError("polling", nullptr);
  };
  Processes processes = processes_of(flow, GetParam().processes, GetParam().workers);
  for (auto& process : processes) {
    const bool own = process == processes.back();
    EXPECT_EQ(process->failure(),
              own ? "user code failed while polling" : "told: user code failed while polling");
  }
}

TEST_P(RuntimesOf, AnAbortOfOneEndsAll) {
  Flow flow = endless();
  flow.at("in").script = [](Seat seat, const std::string&) {
    if (seat.worker.value() == 0) return Script{gives({1}), test::aborts()};
    return Script(100'000, gives({1}, 1ms));
  };
  Processes processes = processes_of(flow, GetParam().processes, GetParam().workers);
  for (auto& process : processes) EXPECT_EQ(process->end(), RunEnd::kAborted);
}

TEST_P(RuntimesOf, AStopOfTheLastStopsAll) {
  Flow flow = endless();
  std::promise<void> polled;
  std::atomic<bool> told{false};
  flow.at("in").before = [&](const std::string& call, Seat seat) {
    // Before its process has met all others, these would lose it.
    const bool last = seat.worker.value() + 1 == seat.worker_count;
    if (last && call == "next_batch" && !told.exchange(true)) polled.set_value();
  };
  Processes processes = processes_of(flow, GetParam().processes, GetParam().workers);
  polled.get_future().wait();
  processes.back()->runtime->request_stop(15);
  for (auto& process : processes) {
    EXPECT_EQ(process->end(), RunEnd::kStopped);
    EXPECT_EQ(process->runtime->stop_told().value_or(-1), process == processes.back() ? -1 : 15);
  }
}

TEST(RuntimesOfACluster, AStopWhileTheyFormEndsTheWait) {
  const auto addresses = test::free_addresses(2);
  const Flow flow = endless();
  Process alone(flow, test::settings_for(0, addresses), 1);
  alone.start();
  alone.runtime->request_stop(15);
  EXPECT_EQ(alone.end(), RunEnd::kStopped);
  EXPECT_EQ(alone.record.count("in.build @0"), 0u) << "no user code ran";
}

TEST(RuntimesOfACluster, AStopWhileTheyFormStopsThoseThatHaveJoined) {
  const auto addresses = test::free_addresses(3);
  const Flow flow = endless();
  transport::ClusterSettings settings = test::settings_for(2, addresses);
  settings.timing.report_every = 10ms;
  Process zero(flow, test::settings_for(0, addresses), 1);
  Process two(flow, settings, 1);
  std::promise<void> joined;
  two.on_warning = [&, told = false](const std::string& text) mutable {
    // It calls process 1 only once it has joined process 0.
    if (text.find("process 1") == std::string::npos) return;
    if (text.find("refused") == std::string::npos) return;
    if (!std::exchange(told, true)) joined.set_value();
  };
  zero.start();
  two.start();
  joined.get_future().wait();
  two.runtime->request_stop(15);
  EXPECT_EQ(two.end(), RunEnd::kStopped);
  EXPECT_EQ(zero.end(), RunEnd::kStopped);
  EXPECT_EQ(zero.runtime->stop_told(), 15);
}

// Process 1 is stopped when it has met process 0 alone, which has met process 2 and is at work.
TEST(RuntimesOfACluster, AStopIsPassedOnToThoseThatItsProcessHasNotMet) {
  Flow flow = endless();
  std::promise<void> polled;
  std::atomic<bool> told{false};
  flow.at("in").before = [&](const std::string& call, Seat) {
    if (call == "next_batch" && !told.exchange(true)) polled.set_value();
  };
  const auto addresses = test::free_addresses(3);
  std::vector<transport::ClusterSettings> settings;
  for (const std::uint32_t process : {0u, 2u}) {
    settings.push_back(test::settings_for(process, addresses));
    settings.back().security = transport::ListedAddresses{};
    settings.back().facts.workers_per_process = 1;
  }
  Process zero(flow, settings[0], 1);
  Process two(flow, settings[1], 1);
  zero.start();
  two.start();
  {
    test::RawSocket one = test::join_by_hand(settings[0]);
    polled.get_future().wait();
    one.send(test::frame_of(transport::ControlMessage{WorkerIndex(0), channel::StopRequest{15}}));
    // Zero has taken it in by the end of this.
    one.end_sending();
    one.receive_to_the_end();
  }
  EXPECT_EQ(zero.end(), RunEnd::kAbandoned);
  EXPECT_EQ(two.end(), RunEnd::kStopped);
  EXPECT_EQ(two.runtime->stop_told(), 15);
  EXPECT_EQ(two.record.count("in.build @2"), 0u) << "it was still forming";
}

TEST(RuntimesOfACluster, OneThatGivesUpIsNotTakenForLost) {
  Flow flow = endless();
  std::promise<void> polled;
  std::atomic<bool> told{false};
  flow.at("in").before = [&](const std::string& call, Seat) {
    if (call == "next_batch" && !told.exchange(true)) polled.set_value();
  };
  Processes processes = processes_of(flow, 2, 1);
  polled.get_future().wait();
  processes[0]->runtime->request_stop(2);
  processes[0]->runtime->abandon();
  EXPECT_EQ(processes[0]->end(), RunEnd::kAbandoned);
  const RunEnd other = processes[1]->end();
  EXPECT_TRUE(other == RunEnd::kAbandoned || other == RunEnd::kStopped);
  EXPECT_EQ(processes[1]->runtime->stop_told(), 2);
}

TEST(RuntimesOfACluster, ALostOneEndsTheOthers) {
  Flow flow = endless();
  std::promise<void> polled;
  std::atomic<bool> told{false};
  flow.at("in").before = [&](const std::string& call, Seat) {
    if (call == "next_batch" && !told.exchange(true)) polled.set_value();
  };
  Processes processes = processes_of(flow, 2, 1);
  polled.get_future().wait();
  processes[0]->runtime->abandon();
  EXPECT_EQ(processes[0]->end(), RunEnd::kAbandoned);
  EXPECT_THAT(processes[1]->failure(), HasSubstr("lost process 0"));
}

TEST(RuntimesOfACluster, AnotherFlowIsRefused) {
  const auto addresses = test::free_addresses(2);
  transport::ClusterSettings other = test::settings_for(1, addresses);
  other.facts.fingerprint = "other steps";
  Process first(endless(), test::settings_for(0, addresses), 1);
  Process second(endless(), other, 1);
  first.start();
  second.start();
  EXPECT_THAT(first.failure(), HasSubstr("dataflow"));
  EXPECT_THAT(second.failure(), HasSubstr("dataflow"));
}

}  // namespace
}  // namespace cppwax::worker
