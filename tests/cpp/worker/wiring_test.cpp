#include "engine/worker/wiring.hpp"

#include <gmock/gmock.h>

#include "engine/base/error.hpp"
#include "support/int_flow.hpp"
#include "support/step_bench.hpp"

namespace cppwax::worker {
namespace {

using channel::CreditDelivery;
using channel::DataDelivery;
using test::Flow;
using test::ints;
using test::Script;
using testing::ElementsAre;
using testing::IsEmpty;

class LogPeers final : public channel::Peers {
 public:
  void post(WorkerIndex to, channel::Delivery delivery) override {
    posted.emplace_back(to.value(), std::move(delivery));
  }
  std::vector<std::pair<std::uint32_t, channel::Delivery>> posted;
};

// Sends all items to one worker.
class RouteTo final : public channel::Router {
 public:
  explicit RouteTo(std::size_t worker) : worker_(worker) {}
  void split(data::PayloadPtr batch, std::vector<data::PayloadPtr>& parts) override {
    parts.at(worker_) = std::move(batch);
  }

 private:
  std::size_t worker_;
};

// Worker 1 of 3.
struct Bench {
  explicit Bench(const Flow& flow)
      : built(flow.build()),
        activations(built.plan, 3),
        wiring(built.plan, {WorkerIndex(1), 3}, {10, 1000}, peers, activations) {}

  const graph::Step& step(const std::string& id) { return built.plan.step(built.index_of(id)); }
  ChannelIndex into(const std::string& id, std::size_t input = 0) {
    return step(id).in_channels[input];
  }
  std::vector<std::string> arrived(ChannelIndex channel) {
    std::vector<std::string> texts;
    while (auto envelope = wiring.receiver(channel).take()) {
      texts.push_back(std::to_string(envelope->sender) + "> " + test::text_of(envelope->message));
    }
    return texts;
  }

  test::BuiltFlow built;
  Activations activations;
  LogPeers peers;
  Wiring wiring;
};

Flow keyed_flow() {
  Flow flow;
  flow.sink("out", flow.keyed_step("sum", flow.noop("a", flow.source("in", Script{}))));
  return flow;
}

TEST(Wiring, ALocalChannelStaysOnItsWorker) {
  Bench bench(keyed_flow());
  auto outputs = bench.wiring.outputs(bench.built.index_of("in"));
  outputs.send(0, Epoch(1), ints({1}));
  outputs.advance(Epoch(2));
  EXPECT_THAT(bench.arrived(bench.into("a")), ElementsAre("0> 1:[1]", "0> F2"));
  EXPECT_THAT(bench.peers.posted, IsEmpty());
}

TEST(Wiring, CreditOfALocalChannelComesBack) {
  Bench bench(keyed_flow());
  auto outputs = bench.wiring.outputs(bench.built.index_of("in"));
  outputs.send(0, Epoch(1), ints(test::counting(10)));
  EXPECT_FALSE(outputs.open(Epoch(1)));
  auto& receiver = bench.wiring.receiver(bench.into("a"));
  receiver.owe(0, Epoch(1), {10, 80});
  receiver.pay();
  EXPECT_TRUE(outputs.open(Epoch(1)));
}

TEST(Wiring, AnExchangeTellsItsFrontierToAllWorkers) {
  Bench bench(keyed_flow());
  bench.wiring.outputs(bench.built.index_of("a")).advance(Epoch(2));
  EXPECT_THAT(bench.arrived(bench.into("sum")), ElementsAre("1> F2"));
  ASSERT_EQ(bench.peers.posted.size(), 2u);
  EXPECT_EQ(bench.peers.posted[0].first, 0u);
  EXPECT_EQ(bench.peers.posted[1].first, 2u);
  const auto& delivery = std::get<DataDelivery>(bench.peers.posted[1].second);
  EXPECT_EQ(delivery.channel, bench.into("sum"));
  EXPECT_EQ(delivery.sender, WorkerIndex(1));
  EXPECT_EQ(test::text_of(delivery.message), "F2");
}

TEST(Wiring, ItemsGoToTheWorkerOfTheirRoute) {
  Bench bench(keyed_flow());
  bench.wiring.sender(bench.into("sum")).route_by(std::make_unique<RouteTo>(2));
  bench.wiring.outputs(bench.built.index_of("a")).send(0, Epoch(1), ints({1, 2}));
  EXPECT_THAT(bench.arrived(bench.into("sum")), IsEmpty());
  ASSERT_EQ(bench.peers.posted.size(), 1u);
  EXPECT_EQ(bench.peers.posted[0].first, 2u);
}

TEST(Wiring, DeliversWhatOthersSend) {
  Bench bench(keyed_flow());
  const ChannelIndex channel = bench.into("sum");
  bench.wiring.deliver({channel, WorkerIndex(2), data::Batch{Epoch(1), ints({7}), {1, 8}}});
  bench.wiring.deliver({channel, WorkerIndex(0), data::FrontierAdvance{Epoch(4)}});
  EXPECT_THAT(bench.arrived(channel), ElementsAre("2> 1:[7]", "0> F4"));
}

TEST(Wiring, CreditGoesBackToTheWorkerThatSent) {
  Bench bench(keyed_flow());
  const ChannelIndex channel = bench.into("sum");
  auto& receiver = bench.wiring.receiver(channel);
  receiver.owe(2, Epoch(1), {1, 8});
  receiver.pay();
  ASSERT_EQ(bench.peers.posted.size(), 1u);
  EXPECT_EQ(bench.peers.posted[0].first, 2u);
  const auto& credit = std::get<CreditDelivery>(bench.peers.posted[0].second);
  EXPECT_EQ(credit.channel, channel);
  EXPECT_EQ(credit.receiver, WorkerIndex(1));
  EXPECT_EQ(credit.amount, (channel::Amount{1, 8}));
}

TEST(Wiring, CreditThatComesBackOpensTheWindowOfItsPair) {
  Bench bench(keyed_flow());
  auto& sender = bench.wiring.sender(bench.into("sum"));
  sender.route_by(std::make_unique<RouteTo>(2));
  sender.send(Epoch(1), ints(test::counting(10)));
  EXPECT_FALSE(sender.open(Epoch(1)));
  EXPECT_THROW(
      bench.wiring.deliver(CreditDelivery{bench.into("sum"), WorkerIndex(0), Epoch(1), {10, 80}}),
      InvariantError)
      << "nothing was sent to worker 0";
  bench.wiring.deliver(CreditDelivery{bench.into("sum"), WorkerIndex(2), Epoch(1), {10, 80}});
  EXPECT_TRUE(sender.open(Epoch(1)));
}

TEST(Wiring, InputsComeInArgumentOrderAndOutputsByPort) {
  Flow flow;
  flow.source("in", Script{});
  flow.branch("split", "in", [](std::int64_t) { return true; });
  flow.sink("out", flow.merge("both", {"split.else", "split"}));
  Bench bench(flow);
  auto outputs = bench.wiring.outputs(bench.built.index_of("split"));
  outputs.send(0, Epoch(1), ints({1}));
  outputs.send(1, Epoch(1), ints({2}));
  const auto inputs = bench.wiring.inputs(bench.built.index_of("both"));
  ASSERT_EQ(inputs.size(), 2u);
  EXPECT_EQ(test::text_of(inputs[0]->take()->message), "1:[2]");
  EXPECT_EQ(test::text_of(inputs[1]->take()->message), "1:[1]");
}

TEST(Wiring, LastStepsTellTheProbesOfAllWorkers) {
  Bench bench(keyed_flow());
  bench.wiring.outputs(bench.built.index_of("out")).end({data::EndKind::kEof, Epoch(3)});
  EXPECT_EQ(bench.peers.posted.size(), 2u);
  const StepIndex probe(static_cast<std::uint32_t>(bench.built.plan.steps().size() - 1));
  const auto inputs = bench.wiring.inputs(probe);
  ASSERT_EQ(inputs.size(), 1u);
  EXPECT_EQ(test::text_of(inputs[0]->take()->message), "Eof3");
}

TEST(Wiring, MessagesWakeTheStepTheyComeTo) {
  Bench bench(keyed_flow());
  while (bench.activations.next()) {
  }
  bench.wiring.outputs(bench.built.index_of("in")).advance(Epoch(2));
  EXPECT_EQ(bench.activations.next(), bench.built.index_of("a"));
}

}  // namespace
}  // namespace cppwax::worker
