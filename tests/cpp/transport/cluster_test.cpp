// Clusters of two to four processes over real sockets: messages, ends, losses.
#include "engine/transport/cluster.hpp"

#include <gmock/gmock.h>

#include "engine/base/error.hpp"
#include "support/net_node.hpp"
#include "support/wire_messages.hpp"

namespace cppwax::transport {
namespace {

using namespace std::chrono_literals;
using test::formed_cluster;
using test::NetNode;
using test::pattern;
using testing::HasSubstr;

using Nodes = std::vector<std::unique_ptr<NetNode>>;

// Between two processes of two workers each.
Lane lane_between(std::uint32_t from, std::uint32_t to, std::uint32_t channel = 0) {
  return {WorkerIndex(2 * to), ChannelIndex(channel), WorkerIndex(2 * from)};
}

Failure failure_of(std::uint32_t process, std::uint64_t epoch) {
  return {FailureKind::kFailed,  "ValueError", "no " + std::to_string(process),
          "Traceback",           "s",          {},
          ProcessIndex(process), Epoch(epoch)};
}

std::vector<LeaveEnd> leave_all(Nodes& nodes) {
  std::vector<std::future<LeaveEnd>> leaving;
  for (const auto& node : nodes) {
    leaving.push_back(std::async(std::launch::async, [&node] { return node->cluster().leave(); }));
  }
  std::vector<LeaveEnd> ends;
  for (auto& one : leaving) ends.push_back(one.get());
  return ends;
}

// Every way in which processes prove themselves that needs no files.
class Clusters : public testing::TestWithParam<bool> {
 protected:
  static Nodes form(std::size_t count) {
    return formed_cluster(count, [](ClusterSettings& settings) {
      if (!GetParam()) settings.security = ListedAddresses{};
    });
  }
};

INSTANTIATE_TEST_SUITE_P(Security, Clusters, testing::Bool(),
                         [](const auto& of) { return of.param ? "Secret" : "Plain"; });

TEST_P(Clusters, CarryEveryKindOfMessageBothWays) {
  Nodes nodes = form(2);
  for (const std::uint32_t from : {0u, 1u}) {
    const std::uint32_t to = 1 - from;
    const Lane lane = lane_between(from, to);
    const data::Encoded buffers = {pattern(100), pattern(2'000'000, 1, true)};
    Cluster& sender = nodes[from]->cluster();
    sender.send(ProcessIndex(to), test::batch_of(lane, buffers));
    sender.send(ProcessIndex(to), FrontierMessage{lane, Epoch(4)});
    sender.send(ProcessIndex(to), test::batch_of(lane, {}));
    sender.send(ProcessIndex(to), EndMessage{lane, {data::EndKind::kStopped, Epoch(4)}});
    nodes[to]->wait([](const NetNode::Seen& seen) { return seen.messages.size() == 4; });
    const auto messages = nodes[to]->seen().messages;
    EXPECT_EQ(messages[0].first, ProcessIndex(from));
    EXPECT_TRUE(test::same_buffers(std::get<BatchMessage>(messages[0].second).buffers, buffers));
    EXPECT_EQ(std::get<FrontierMessage>(messages[1].second).epoch, Epoch(4));
    EXPECT_TRUE(std::holds_alternative<BatchMessage>(messages[2].second));
    EXPECT_EQ(std::get<EndMessage>(messages[3].second).end.kind, data::EndKind::kStopped);
    sender.send(ProcessIndex(to), CreditMessage{lane, Epoch(2), {1, 1}});
    sender.send(ProcessIndex(to),
                ControlMessage{WorkerIndex(2 * to + 1), channel::OpenEpoch{Epoch(5)}});
    nodes[to]->wait([](const NetNode::Seen& seen) { return seen.messages.size() == 6; });
  }
  EXPECT_THAT(leave_all(nodes), testing::Each(LeaveEnd::kDone));
}

TEST_P(Clusters, OfFourReachEachOther) {
  Nodes nodes = form(4);
  for (std::uint32_t from = 0; from < 4; ++from) {
    for (std::uint32_t to = 0; to < 4; ++to) {
      if (from == to) continue;
      nodes[from]->cluster().send(ProcessIndex(to),
                                  FrontierMessage{lane_between(from, to), Epoch(from)});
    }
  }
  for (const auto& node : nodes) {
    node->wait([](const NetNode::Seen& seen) { return seen.messages.size() == 3; });
    for (const auto& [from, message] : node->seen().messages) {
      EXPECT_EQ(std::get<FrontierMessage>(message).epoch.value(), from.value());
    }
  }
  EXPECT_THAT(leave_all(nodes), testing::Each(LeaveEnd::kDone));
  for (const auto& node : nodes) {
    node->cluster().close();
    EXPECT_TRUE(node->seen().lost.empty());
  }
}

TEST_P(Clusters, KeepTheOrderOfEachLaneUnderLoad) {
  Nodes nodes = form(2);
  constexpr std::uint64_t kRounds = 300;
  std::atomic<int> ends{0};
  std::promise<void> all;
  std::map<Lane, std::uint64_t> next;
  nodes[1]->on_each = [&](ProcessIndex, Message message) {
    if (const auto* batch = std::get_if<BatchMessage>(&message)) {
      EXPECT_EQ(batch->epoch.value(), next[batch->lane]++);
    } else if (const auto* end = std::get_if<EndMessage>(&message)) {
      EXPECT_EQ(next[end->lane], kRounds);
      if (++ends == 4) all.set_value();
    }
  };
  std::vector<std::future<void>> senders;
  for (std::uint32_t worker = 0; worker < 2; ++worker) {
    senders.push_back(std::async(std::launch::async, [&nodes, worker] {
      for (std::uint64_t round = 0; round < kRounds; ++round) {
        for (const std::uint32_t channel : {0u, 1u}) {
          const Lane lane{WorkerIndex(2), ChannelIndex(channel), WorkerIndex(worker)};
          // Large and small ones on lanes beside each other.
          const std::size_t size = channel == 0 ? 100 : round % 50 == 0 ? 700'000 : 9'000;
          nodes[0]->cluster().send(ProcessIndex(1), test::batch_of(lane, {pattern(size)}, round));
          nodes[0]->cluster().send(ProcessIndex(1), FrontierMessage{lane, Epoch(round)});
        }
      }
      for (const std::uint32_t channel : {0u, 1u}) {
        const Lane lane{WorkerIndex(2), ChannelIndex(channel), WorkerIndex(worker)};
        nodes[0]->cluster().send(ProcessIndex(1),
                                 EndMessage{lane, {data::EndKind::kEof, Epoch(1)}});
      }
    }));
  }
  for (auto& sender : senders) sender.get();
  all.get_future().get();
  EXPECT_THAT(leave_all(nodes), testing::Each(LeaveEnd::kDone));
}

TEST_P(Clusters, HandOnWhatCameBeforeTheStart) {
  const auto addresses = test::free_addresses(2);
  NetNode zero(0, addresses);
  NetNode one(1, addresses);
  auto joined_zero = zero.form();
  auto joined_one = one.form();
  joined_zero.get();
  joined_one.get();
  zero.cluster().send(ProcessIndex(1), FrontierMessage{lane_between(0, 1), Epoch(1)});
  zero.cluster().send(ProcessIndex(1), FrontierMessage{lane_between(0, 1, 1), Epoch(2)});
  one.cluster().start();
  one.wait([](const NetNode::Seen& seen) { return seen.messages.size() == 2; });
}

// --- ends ----------------------------------------------------------------------------------------

TEST_P(Clusters, ShowTheSameFailureFirst) {
  Nodes nodes = form(3);
  nodes[2]->cluster().fail(failure_of(2, 4));
  nodes[1]->cluster().fail(failure_of(1, 5));
  std::vector<std::future<FailureOutcome>> outcomes;
  for (const auto& node : nodes) {
    outcomes.push_back(
        std::async(std::launch::async, [&node] { return node->cluster().settle(); }));
  }
  const FailureOutcome first = outcomes[0].get();
  for (std::size_t i = 1; i < 3; ++i) {
    const FailureOutcome other = outcomes[i].get();
    EXPECT_EQ(other.first, first.first);
    EXPECT_EQ(other.others, first.others);
  }
  // Either both came to tell, and the lower epoch wins, or one knew of the other's before.
  if (first.others == 1) {
    EXPECT_EQ(first.first, failure_of(2, 4));
  }
  for (const auto& node : nodes) node->cluster().close();
  for (const auto& node : nodes) EXPECT_TRUE(node->seen().lost.empty());
  EXPECT_EQ(nodes[0]->seen().failures.size(), 1u);
}

TEST_P(Clusters, AFailureEndsWaitingForDone) {
  Nodes nodes = form(3);
  auto leaving = std::async(std::launch::async, [&] { return nodes[0]->cluster().leave(); });
  nodes[1]->cluster().fail(failure_of(1, 5));
  EXPECT_EQ(leaving.get(), LeaveEnd::kFailed);
  EXPECT_EQ(nodes[0]->cluster().settle().first, failure_of(1, 5));
}

TEST_P(Clusters, AFailureIsToldThoughItsProcessClosesAtOnce) {
  for (int i = 0; i < 20; ++i) {
    Nodes nodes = form(2);
    // Bytes on the way in the other direction, which a close would throw away with a reset.
    nodes[0]->cluster().send(ProcessIndex(1),
                             test::batch_of(lane_between(0, 1), {pattern(300'000)}));
    nodes[1]->cluster().fail(failure_of(1, 5));
    nodes[1]->cluster().close();
    EXPECT_EQ(nodes[0]->cluster().settle().first, failure_of(1, 5));
    EXPECT_TRUE(nodes[0]->seen().lost.empty());
  }
}

TEST_P(Clusters, AProcessThatClosesIsLost) {
  Nodes nodes = form(3);
  nodes[1]->cluster().close();
  for (const std::size_t survivor : {0u, 2u}) {
    nodes[survivor]->wait([](const NetNode::Seen& seen) { return !seen.lost.empty(); });
    EXPECT_THAT(nodes[survivor]->seen().lost[0],
                testing::AllOf(HasSubstr("lost process 1 (127."), HasSubstr("closed")));
    EXPECT_EQ(nodes[survivor]->cluster().leave(), LeaveEnd::kLost);
  }
}

TEST_P(Clusters, AProcessThatClosesAfterItsDoneIsNotLost) {
  Nodes nodes = form(3);
  auto leaving = std::async(std::launch::async, [&] { return nodes[1]->cluster().leave(); });
  nodes[1]->cluster().interrupt();
  leaving.get();
  nodes[1]->cluster().close();
  nodes.erase(nodes.begin() + 1);
  EXPECT_THAT(leave_all(nodes), testing::Each(LeaveEnd::kDone));
  for (const auto& node : nodes) EXPECT_TRUE(node->seen().lost.empty());
}

TEST_P(Clusters, AProcessThatClosesAfterAStopHasAbandoned) {
  Nodes nodes = form(2);
  nodes[0]->cluster().note_stop();
  // Both calls go to the I/O thread in order, so the stop is noted once the message is out.
  nodes[0]->cluster().send(ProcessIndex(1), FrontierMessage{lane_between(0, 1), Epoch(1)});
  nodes[1]->wait([](const NetNode::Seen& seen) { return !seen.messages.empty(); });
  nodes[1]->cluster().close();
  EXPECT_EQ(nodes[0]->cluster().leave(), LeaveEnd::kAbandoned);
  EXPECT_EQ(nodes[0]->seen().abandoned, std::vector{ProcessIndex(1)});
  EXPECT_TRUE(nodes[0]->seen().lost.empty());
}

TEST_P(Clusters, AProcessThatClosesAfterAStopBeforeTheStartHasAbandoned) {
  const auto addresses = test::free_addresses(2);
  NetNode zero(0, addresses);
  NetNode one(1, addresses);
  auto joined = zero.form();
  one.form().get();
  joined.get();
  const ControlMessage request{WorkerIndex(0), channel::StopRequest{15}};
  one.cluster().send(ProcessIndex(0), request);
  one.cluster().close();
  zero.wait(
      [](const NetNode::Seen& seen) { return !seen.abandoned.empty() || !seen.lost.empty(); });
  EXPECT_TRUE(zero.seen().lost.empty());
  EXPECT_EQ(zero.seen().messages.size(), 1u) << "it is told of the stop though nothing starts";
}

TEST_P(Clusters, LeavingCanBeInterrupted) {
  Nodes nodes = form(2);
  auto leaving = std::async(std::launch::async, [&] { return nodes[0]->cluster().leave(); });
  nodes[0]->cluster().interrupt();
  EXPECT_EQ(leaving.get(), LeaveEnd::kInterrupted);
}

TEST(Cluster, OfOneProcessFormsAndLeavesAlone) {
  NetNode node(0, {"127.0.0.1:2101"});
  EXPECT_EQ(node.cluster().form(), FormEnd::kJoined);
  node.cluster().start();
  EXPECT_EQ(node.cluster().leave(), LeaveEnd::kDone);
  node.cluster().fail(failure_of(0, 1));
  EXPECT_EQ(node.cluster().settle().first, failure_of(0, 1));
}

// Also where no handler tells a failure, for all connections had closed before.
TEST(Cluster, WhoseThreadFailsLetsGoOfWhoWaits) {
  Nodes nodes = formed_cluster(2);
  nodes[0]->on_each = [](ProcessIndex, const Message&) { throw std::runtime_error("no memory"); };
  nodes[1]->cluster().send(ProcessIndex(0), FrontierMessage{lane_between(1, 0), Epoch(1)});
  EXPECT_EQ(nodes[0]->cluster().settle().first.message, "the network layer failed: no memory");
}

TEST(Cluster, RefusesWhatNoPeerWouldTake) {
  Nodes nodes =
      formed_cluster(2, [](ClusterSettings& settings) { settings.max_batch_bytes = 1000; });
  Cluster& cluster = nodes[0]->cluster();
  cluster.send(ProcessIndex(1), test::batch_of(lane_between(0, 1), {pattern(1000)}));
  try {
    cluster.send(ProcessIndex(1), test::batch_of(lane_between(0, 1), {pattern(1000), pattern(1)}));
    ADD_FAILURE();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("1001 bytes, allowed are 1000"));
  }
  const channel::Parts long_name{StepIndex(0), WorkerIndex(0), {std::string(70'000, 'x')}};
  EXPECT_THROW(cluster.send(ProcessIndex(1), ControlMessage{WorkerIndex(2), long_name}),
               ConfigError);
  const channel::Parts many{StepIndex(0), WorkerIndex(0),
                            std::vector<std::string>(300, std::string(60'000, 'x'))};
  EXPECT_THROW(cluster.send(ProcessIndex(1), ControlMessage{WorkerIndex(2), many}), ConfigError);
}

TEST(Cluster, LetsGoOfBuffersOnceWritten) {
  Nodes nodes = formed_cluster(2);
  data::Buffer buffer = pattern(3'000'000);
  std::promise<std::thread::id> gone;
  data::Buffer watched{
      std::shared_ptr<std::byte>(
          buffer.data.get(), [&gone](std::byte*) { gone.set_value(std::this_thread::get_id()); }),
      buffer.size, false};
  data::Encoded buffers;
  buffers.push_back(std::move(watched));  // and no copy stays with us
  nodes[0]->cluster().send(ProcessIndex(1), test::batch_of(lane_between(0, 1), std::move(buffers)));
  EXPECT_TRUE(gone.get_future().get() != std::this_thread::get_id());
}

}  // namespace
}  // namespace cppwax::transport
