// One seeded run of a whole cluster in one thread, from the choice of the flow to the comparison
// with what it should have given.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/graph/fusion.hpp"
#include "simulation/model.hpp"
#include "simulation/queue_bounds.hpp"
#include "simulation/random_flow.hpp"
#include "simulation/sim_cluster.hpp"
#include "simulation/sim_observer.hpp"

namespace cppwax::simulation {

// What a seed decides.
struct Settings {
  explicit Settings(Random& random) {
    using namespace std::chrono_literals;
    cluster.worker_count = static_cast<std::uint32_t>(random.between(1, 4));
    cluster.epoch_interval = random.one_of<Duration>({0ms, 0ms, 1ms, 10ms, 1s, 100s});
    const auto items = random.one_of<std::int64_t>({1, 2, 3, 5, 16, 64 * 1024});
    const auto bytes = random.one_of<std::int64_t>({8, 24, 100, 1 << 20, 1 << 20, 1 << 20});
    cluster.window = {items, bytes};
    is_fused = random.chance(50);
    if (random.chance(10)) fails_at_call = random.below(random.one_of<std::size_t>({30, 1000}));
    if (random.chance(35)) stop_at_turn = random.below(random.one_of<std::size_t>({10, 300, 3000}));
  }

  test::ClusterSettings cluster;
  bool is_fused = false;
  std::optional<std::size_t> stop_at_turn;
  std::optional<std::size_t> fails_at_call;  // of user code
};

// One run; `run` throws what is wrong.
class Simulation {
 public:
  explicit Simulation(std::uint64_t seed)
      : random_(seed), settings_(random_), generated_(random_, settings_.cluster.worker_count) {}

  // What is run, for whoever looks for a failure.
  std::string description() const {
    std::ostringstream text;
    if (failed_) text << "user code failed in " << failed_->step << ", " << failed_->call << ": ";
    text << settings_.cluster.worker_count << " workers, interval "
         << settings_.cluster.epoch_interval.count() << " us, window "
         << settings_.cluster.window.items << " items " << settings_.cluster.window.bytes
         << " bytes" << (settings_.is_fused ? ", fused" : "");
    if (settings_.stop_at_turn) text << ", stop at turn " << *settings_.stop_at_turn;
    for (const test::StepSpec& spec : generated_.flow().specs()) {
      text << "\n  " << spec.id << " <-";
      for (const std::string& up : spec.inputs) text << ' ' << up;
    }
    return text.str();
  }

  // What a run has come to, to see that seeds reach what they are for.
  struct Reached {
    bool failed = false;
    bool stopped = false;
    std::uint64_t epochs = 0;
    std::size_t written = 0;  // items
    std::size_t left_over = 0;
    std::size_t remote_channels = 0;
    int joins = 0;
  };

  Reached run() {
    flow_.emplace(generated_.flow().build());
    if (settings_.fails_at_call) let_user_code_fail();
    const graph::Plan plan = settings_.is_fused ? graph::fuse(flow_->plan) : flow_->plan;
    const bool interval_zero = settings_.cluster.epoch_interval == Duration::zero();
    SimObserver observer(*flow_, !generated_.holds_items(), interval_zero);
    test::FakeClock clock;
    const test::IntLogic logic(*flow_, clock, observer);
    std::optional<SimCluster> cluster;
    cluster.emplace(plan, logic, clock, settings_.cluster, random_);
    bool ended = false;
    try {
      run_to_end(*cluster, observer);
      ended = true;
      check_ends(*cluster, observer);
      cluster->close();
    } catch (const UserCodeError& error) {
      if (!ended) cluster->close();
      check_failure(observer, error);
      return {.failed = true};
    }
    cluster->check_credit();
    const Limits limits{settings_.cluster.window, 1, generated_.joins_polls()};
    QueueBounds(plan, *flow_, limits).check(cluster->peaks());
    Reached reached{false, cluster->at(0).end_kind() == data::EndKind::kStopped,
                    cluster->at(0).opened().value()};
    reached.joins = observer.joins;
    reached.remote_channels = cluster->peaks().size();
    {
      const test::InScope scope;
      cluster.reset();
    }
    ENGINE_ASSERT(observer.all_closed());
    check_outcome(observer);
    for (const auto& [step, items] : observer.written_items) reached.written += items.size();
    for (const auto& [step, items] : observer.facts.left_over) reached.left_over += items.size();
    return reached;
  }

 private:
  void run_to_end(SimCluster& cluster, const SimObserver& observer) {
    constexpr std::size_t kTooLong = 300'000;
    std::size_t calls = 0;
    std::size_t last_call = 0;
    for (std::size_t turn = 0; !cluster.all_finished(); ++turn) {
      if (std::exchange(calls, observer.calls) != observer.calls) last_call = turn;
      ENGINE_ASSERT(turn - last_call < kTooLong, turn);
      if (turn == settings_.stop_at_turn) {
        cluster.post(WorkerIndex(0), channel::Control(channel::StopRequest{}));
      }
      cluster.turn();
    }
  }

  // One call of user code of the whole run fails, on some worker.
  void let_user_code_fail() {
    for (test::StepSpec& spec : flow_->specs) {
      spec.before = [this, id = spec.id](const std::string& call, test::Seat seat) {
        if (calls_++ != *settings_.fails_at_call) return;
        failed_ = {id, call, seat.worker};
        throw UserCodeError(call, nullptr);
      };
    }
  }

  // The error tells where it happened; all that was opened is closed.
  void check_failure(SimObserver& observer, const UserCodeError& error) {
    ENGINE_ASSERT(error.doing == failed_->call, error.doing, failed_->call);
    ENGINE_ASSERT(error.context.step == failed_->step, error.context.step, failed_->step);
    ENGINE_ASSERT(error.context.worker == failed_->worker, failed_->worker);
    ENGINE_ASSERT(error.context.epoch.has_value());
    if (failed_->call.starts_with("build")) observer.forget_build(failed_->step);
    ENGINE_ASSERT(observer.all_closed(), failed_->step, failed_->call);
  }

  // All workers agree; `on_eof` is called at an end of data, on all of them or none.
  void check_ends(SimCluster& cluster, SimObserver& observer) {
    const data::EndKind kind = cluster.at(0).end_kind();
    for (std::size_t w = 0; w < cluster.size(); ++w) {
      ENGINE_ASSERT(cluster.at(w).end_kind() == kind, w);
    }
    const bool eof = kind == data::EndKind::kEof;
    ENGINE_ASSERT(eof || settings_.stop_at_turn);
    const Model model(*flow_);
    for (const test::StepSpec& spec : flow_->specs) {
      if (graph::is_source(spec.kind)) ENGINE_ASSERT(!eof || observer.all_parts_closed(spec.id));
      if (spec.kind != graph::StepKind::kStatefulBatch) continue;
      const int calls = observer.eof_calls(spec.id);
      ENGINE_ASSERT(calls == 0 || calls == static_cast<int>(cluster.size()), spec.id, calls);
      ENGINE_ASSERT(calls > 0 || !eof, spec.id);
      if (calls == 0) continue;
      observer.facts.saw_eof.insert(spec.id);
      for (const StepId& source : model.sources_of(spec.id)) {
        ENGINE_ASSERT(observer.all_parts_closed(source), spec.id, source);
      }
    }
  }

  void check_outcome(SimObserver& observer) const {
    for (auto& [sink, expected] : Model(*flow_).outcome(observer.facts)) {
      Ints& written = observer.written_items[sink];
      std::sort(written.begin(), written.end());
      if (written == expected) continue;
      std::ostringstream text;
      text << sink << " got " << written.size() << " items, expected are " << expected.size();
      throw InvariantError(text.str());
    }
  }

  Random random_;
  Settings settings_;
  RandomFlow generated_;
  std::optional<test::BuiltFlow> flow_;

  struct Failed {
    StepId step;
    std::string call;
    WorkerIndex worker;
  };
  std::size_t calls_ = 0;
  std::optional<Failed> failed_;
};

}  // namespace cppwax::simulation
