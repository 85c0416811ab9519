// Flat memory: how much lies between a source and a slow step
// (docs/progress_and_snapshots.md P4 and P6), counted item by item.
#include <gmock/gmock.h>

#include <functional>

#include "engine/base/stable_hash.hpp"
#include "engine/graph/fusion.hpp"
#include "simulation/sim_cluster.hpp"
#include "support/int_logic.hpp"

namespace cppwax::simulation {
namespace {

using namespace std::chrono_literals;
using test::Flow;
using test::gives;
using test::Ints;
using test::Script;
using test::Seat;

// Counts what was polled and written, and the most that lay between.
class Gauge final : public test::Observer {
 public:
  void polled(StepIndex, Seat, const Ints& items) override { moved(polled_, items); }
  void written(StepIndex, Seat, const Ints& items) override { moved(written_, items); }

  std::size_t written() const { return written_; }
  // Of items that come out one for one.
  std::size_t peak() const { return peak_; }

 private:
  void moved(std::size_t& count, const Ints& items) {
    count += items.size();
    if (polled_ > written_) peak_ = std::max(peak_, polled_ - written_);
  }

  std::size_t polled_ = 0;
  std::size_t written_ = 0;
  std::size_t peak_ = 0;
};

// The first key that belongs to a worker.
std::int64_t key_of_worker(std::uint32_t worker, std::uint32_t worker_count) {
  std::int64_t key = 0;
  while (owner_of(stable_hash(std::to_string(key)), worker_count) != WorkerIndex(worker)) ++key;
  return key;
}

std::string keyed_by(Flow& flow, const StepId& id, const std::string& up, std::int64_t key) {
  flow.keyed_step(id, up);
  flow.last().key = [key](std::int64_t) { return key; };
  return id;
}

struct Peaks {
  std::size_t between = 0;   // from the source to the sink
  std::int64_t on_pair = 0;  // of two workers, on any channel
};

// Runs `flow` with two workers; 0, where the slow end is, has one turn in twenty.
Peaks peaks_of(const Flow& flow, channel::Amount window, std::size_t items) {
  const test::BuiltFlow built = flow.build();
  Gauge gauge;
  test::FakeClock clock;
  const test::IntLogic logic(built, clock, gauge);
  Random random(1);
  SimCluster cluster(built.plan, logic, clock, {.worker_count = 2, .window = window}, random);
  for (int turn = 0; !cluster.all_finished(); ++turn) {
    const std::size_t worker = turn % 20 == 0 ? 0 : 1;
    if (!cluster.finished(worker)) cluster.step(worker);
  }
  EXPECT_EQ(gauge.written(), items);
  Peaks peaks{gauge.peak(), 0};
  for (const auto& [channel, peak] : cluster.peaks()) peaks.on_pair = std::max(peaks.on_pair, peak);
  cluster.close();
  return peaks;
}

// Steps that never wait moved the whole pile into the last queue: 800,000 items.
TEST(Pressure, TravelsThroughAKeyedStepOnTheOtherWorkerAndBack) {
  constexpr std::size_t kItems = 20'000;
  constexpr std::int64_t kWindow = 8;
  Flow flow;
  flow.dynamic_source("in", [](Seat seat) {
    return seat.worker == WorkerIndex(1) ? Script(kItems, gives({1})) : Script{};
  });
  keyed_by(flow, "there", "in", key_of_worker(0, 2));
  keyed_by(flow, "back", "there", key_of_worker(1, 2));
  flow.sink("slow", keyed_by(flow, "here", "back", key_of_worker(0, 2)));
  const Peaks peaks = peaks_of(flow, {kWindow, 1 << 20}, kItems);
  EXPECT_LE(peaks.on_pair, kWindow);
  EXPECT_LE(peaks.between, 4 * kWindow + 4) << "four channels and what is in work";
}

TEST(Pressure, AWideFlatMapWaitsItemByItem) {
  constexpr std::int64_t kWide = 10'000;
  constexpr std::int64_t kWindow = 8;
  Flow flow;
  flow.dynamic_source("in", [](Seat seat) {
    return seat.worker == WorkerIndex(1) ? Script(10, gives({1})) : Script{};
  });
  flow.flat_map("wide", "in", [](std::int64_t, Ints& out) { out.insert(out.end(), kWide, 1); });
  flow.sink("slow", keyed_by(flow, "here", "wide", key_of_worker(0, 2)));
  const Peaks peaks = peaks_of(flow, {kWindow, 1 << 20}, 10 * kWide);
  EXPECT_LE(peaks.on_pair, kWindow);
}

}  // namespace
}  // namespace cppwax::simulation
