// Several executions over one store: each ends by a crash, a failure of user code, a stop or the
// end of the data, and the next goes on with another number of workers. In the end sinks with
// positions hold each item once, whatever happened before.
#pragma once

#include <algorithm>
#include <functional>
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
#include "engine/graph/snapshot_streams.hpp"
#include "engine/recovery/resume.hpp"
#include "simulation/model.hpp"
#include "simulation/queue_bounds.hpp"
#include "simulation/random_flow.hpp"
#include "simulation/recovery_observer.hpp"
#include "simulation/sim_cluster.hpp"
#include "simulation/sim_store.hpp"
#include "support/memory_files.hpp"
#include "support/memory_partition.hpp"

namespace cppwax::simulation {

// What a seed decides for one execution.
struct ExecutionSettings {
  ExecutionSettings(Random& random, bool must_end) {
    using namespace std::chrono_literals;
    cluster.worker_count = static_cast<std::uint32_t>(random.between(1, 3) * random.between(1, 3));
    cluster.epoch_interval = random.one_of<Duration>({0ms, 1ms, 10ms, 1s, 100s});
    const auto items = random.one_of<std::int64_t>({1, 2, 3, 5, 16, 64 * 1024});
    const auto bytes = random.one_of<std::int64_t>({8, 100, 1 << 20, 1 << 20, 1 << 20});
    cluster.window = {items, bytes};
    is_fused = random.chance(50);
    backup_epochs = random.one_of<std::uint64_t>({0, 1, 3, 3});
    if (must_end) return;
    if (random.chance(30)) crash_in_start = random.below(4);
    const auto turn = random.below(random.one_of<std::size_t>({10, 300, 3000}));
    if (random.chance(20)) {
      fails_at_call = random.below(random.one_of<std::size_t>({10, 100, 1000}));
    } else {
      (random.chance(35) ? stop_at_turn : crash_at_turn) = turn;
      if (crash_at_turn && random.chance(40)) crash_at_store_act = random.between(1, 40);
    }
  }

  test::ClusterSettings cluster;
  bool is_fused = false;
  std::uint64_t backup_epochs = 0;
  std::optional<std::size_t> crash_in_start;  // after so many partitions have begun
  std::optional<std::size_t> crash_at_turn;
  std::optional<std::size_t> crash_at_store_act;
  std::optional<std::size_t> stop_at_turn;
  std::optional<std::size_t> fails_at_call;  // of user code
};

// One seed; `run` throws what is wrong.
class RecoverySimulation {
 public:
  // Opens what is stored; the rest is as MemoryPartition's.
  using OpenPartition = std::function<std::unique_ptr<test::MemoryPartition>(
      test::StoredPartition& stored, std::size_t most_waiting, std::function<void()> notify)>;

  explicit RecoverySimulation(
      std::uint64_t seed,
      OpenPartition open = std::make_unique<test::MemoryPartition, test::StoredPartition&,
                                            std::size_t, std::function<void()>>)
      : open_(std::move(open)),
        random_(seed),
        generated_(random_, 0),
        flow_(generated_.flow().build()),
        store_(random_.between(1, 3)) {}

  struct Reached {
    int crashes = 0;
    int failures = 0;
    int stops = 0;
    int restores = 0;           // of a partition from a copy
    int resumes_of_states = 0;  // with something to load
    int ends = 0;
    int beginnings = 0;         // with parts that start now
    std::uint64_t durable = 0;  // epochs
    std::size_t written = 0;    // items in files at last
  };

  Reached run() {
    for (auto left = random_.between(1, 5); left > 0; --left) execute(false);
    execute(true);
    for (const test::StepSpec& spec : flow_.specs) reached_.written += files_.rows(spec.id).size();
    return reached_;
  }

  // What was run, for whoever looks for a failure.
  std::string description() const {
    std::ostringstream text;
    text << store_.partitions().size() << " partitions" << log_.str();
    for (const test::StepSpec& spec : flow_.specs) {
      text << "\n  " << spec.id << " <-";
      for (const std::string& up : spec.inputs) text << ' ' << up;
    }
    return text.str();
  }

 private:
  using Partitions = std::vector<std::unique_ptr<test::MemoryPartition>>;
  // By source, by partition: how many polls are done.
  using Positions = std::map<StepId, std::map<std::string, std::size_t>>;

  void execute(bool must_end) {
    ExecutionSettings settings(random_, must_end);
    log_ << "\n"
         << settings.cluster.worker_count << " workers, interval "
         << settings.cluster.epoch_interval.count() << " us, window "
         << settings.cluster.window.items << " items " << settings.cluster.window.bytes << " bytes"
         << (settings.is_fused ? ", fused" : "");
    const auto restored = store_.use_copy(random_, claimed_);
    const recovery::Resume resume = recovery::find_resume(store_.histories());
    if (restored) {
      log_ << ", with a copy of partition " << *restored;
      claimed_ = resume.execution.cut;
      is_restored_ = true;
      ++reached_.restores;
    }
    log_ << ", from " << resume.execution.cut << ", first " << resume.execution.first;
    ENGINE_ASSERT(resume.execution.cut >= claimed_, resume.execution.cut, claimed_);
    ENGINE_ASSERT(is_restored_ || resume.behind.empty());

    SimCluster* running = nullptr;
    Partitions partitions = open_partitions(running);
    for (std::size_t p = 0; p < partitions.size(); ++p) {
      if (settings.crash_in_start == p) return crash("crashed while starting");
      partitions[p]->begin(resume.execution);
    }
    is_restored_ = false;
    const Positions before = positions(resume.execution.cut);
    reached_.resumes_of_states += !resume.is_first && !before.empty();
    store_.begin(resume.execution.cut, settings.backup_epochs);
    give_stores(settings, resume, partitions);

    const graph::Plan plan =
        graph::add_snapshot_streams(settings.is_fused ? graph::fuse(flow_.plan) : flow_.plan);
    RecoveryObserver observer(flow_, !generated_.holds_items(),
                              settings.cluster.epoch_interval == Duration::zero(),
                              store_.partitions());
    if (!resume.is_first) observer.resumed_from = resume.execution.cut;
    observer.first = resume.execution.first;
    const test::IntLogic logic(flow_, clock_, observer, &files_);
    let_user_code_fail(settings);
    std::optional<SimCluster> cluster;
    cluster.emplace(plan, logic, clock_, settings.cluster, random_);
    running = &*cluster;
    observer.opened = [&](WorkerIndex worker) { return cluster->at(worker.value()).opened(); };
    observer.may_build_sources = [&] { return resume.is_first || cluster->all_loaded(); };
    cluster->on_idle([&](std::size_t w) {
      observer.check_positions(WorkerIndex(static_cast<std::uint32_t>(w)));
    });
    cluster->on_rest([&] { observer.check_beginnings(); });
    for (auto& partition : partitions) cluster->add_partition(*partition);
    const bool through = run_to_end(*cluster, observer, settings);
    reached_.beginnings += observer.has_begun;
    claimed_ = std::max(claimed_, observer.claimed);
    for (const auto& [sink, items] : observer.written_items) {
      written_[sink].insert(written_[sink].end(), items.begin(), items.end());
    }
    if (through) {
      log_ << ", ended";
      cluster->check_credit();
      QueueBounds(plan, flow_, {settings.cluster.window, 2, generated_.joins_polls()})
          .check(cluster->peaks());
      check_end(*cluster, observer, settings);
      cluster->close();
    }
    {
      const test::InScope scope;
      cluster.reset();
    }
    if (through) check_outcome(observer, before);
  }

  // `running` is told of progress.
  Partitions open_partitions(SimCluster*& running) {
    Partitions partitions;
    owners_.clear();
    for (std::size_t p = 0; p < store_.partitions().size(); ++p) {
      const auto notify = [this, &running, p] {
        running->post(owners_.at(p), channel::Control(channel::StoreProgress{}));
      };
      partitions.push_back(open_(store_.partitions()[p], random_.between(1, 4), notify));
      partitions.back()->note_commits([this](Epoch epoch) { store_.committed(epoch); });
      if (random_.chance(50)) partitions.back()->let_reads_wait();
    }
    return partitions;
  }

  void give_stores(ExecutionSettings& settings, const recovery::Resume& resume,
                   const Partitions& partitions) {
    const std::uint32_t workers = settings.cluster.worker_count;
    for (std::size_t p = 0; p < partitions.size(); ++p) {
      owners_.push_back(WorkerIndex(static_cast<std::uint32_t>(random_.below(workers))));
    }
    for (std::uint32_t w = 0; w < workers; ++w) {
      operators::StoreAccess access{.executions = resume.earlier,
                                    .is_resume = !resume.is_first,
                                    .primaries = owners_,
                                    .own = {},
                                    .backup_epochs = settings.backup_epochs};
      access.executions.push_back(resume.execution);
      for (std::size_t p = 0; p < partitions.size(); ++p) {
        access.own.push_back(owners_[p] == WorkerIndex(w) ? partitions[p].get() : nullptr);
      }
      settings.cluster.stores.push_back(std::move(access));
    }
  }

  // Returns whether it came to its end.
  bool run_to_end(SimCluster& cluster, const RecoveryObserver& observer,
                  const ExecutionSettings& settings) {
    constexpr std::size_t kTooLong = 300'000;
    std::size_t calls = 0;
    std::size_t last_call = 0;
    try {
      for (std::size_t turn = 0; !cluster.all_finished(); ++turn) {
        if (std::exchange(calls, observer.calls) != observer.calls) last_call = turn;
        ENGINE_ASSERT(turn - last_call < kTooLong, turn);
        const bool at_act =
            settings.crash_at_store_act && cluster.store_acts() >= *settings.crash_at_store_act;
        if (turn == settings.crash_at_turn || at_act) {
          crash(", crashed");
          return false;
        }
        if (turn == settings.stop_at_turn) {
          cluster.post(WorkerIndex(0), channel::Control(channel::StopRequest{}));
        }
        cluster.turn();
      }
      return true;
    } catch (const UserCodeError& error) {
      log_ << ", failed in " << error.doing << " of " << error.context.step;
      ENGINE_ASSERT(error.context.step == failed_in_, error.context.step, failed_in_);
      cluster.close();
      ++reached_.failures;
      return false;
    }
  }

  void crash(const char* how) {
    log_ << how;
    ++reached_.crashes;
    files_.crash([&](std::size_t unsynced) { return random_.below(unsynced + 1); });
  }

  void let_user_code_fail(const ExecutionSettings& settings) {
    calls_ = 0;
    for (test::StepSpec& spec : flow_.specs) {
      spec.before = [this, id = spec.id, at = settings.fails_at_call](const std::string& call,
                                                                      test::Seat) {
        if (call == "close" || calls_++ != at) return;
        failed_in_ = id;
        throw UserCodeError(call, nullptr);
      };
    }
  }

  Positions positions(Epoch cut) const {
    Positions positions;
    store_.each_state(cut, [&](const StepId& step, const std::string& key, const auto& state) {
      if (graph::is_source(spec_of(step).kind)) positions[step][key] = std::stoull(state);
    });
    return positions;
  }

  // Those that tell sums forget their keys when they have told them, and never before: that may
  // have become durable in a run that crashed later.
  std::set<StepId> steps_without_states(Epoch cut) const {
    std::set<StepId> without;
    for (const test::StepSpec& spec : flow_.specs) without.insert(spec.id);
    store_.each_state(cut,
                      [&](const StepId& step, const auto&, const auto&) { without.erase(step); });
    return without;
  }

  const test::StepSpec& spec_of(const StepId& id) const {
    return flow_.specs.at(flow_.index_of(id).value());
  }

  // What a source gave up to its positions.
  std::map<StepId, Ints> items_before(const Positions& positions) const {
    std::map<StepId, Ints> items;
    for (const auto& [source, parts] : positions) {
      for (const auto& [part, count] : parts) {
        const test::Script script = spec_of(source).script({}, part);
        for (std::size_t poll = 0; poll < count; ++poll) {
          const Ints& some = script.at(poll).items;
          items[source].insert(items[source].end(), some.begin(), some.end());
        }
      }
    }
    return items;
  }

  // All workers agree; `on_eof` is never called of a stopped input. What ended is durable.
  void check_end(SimCluster& cluster, RecoveryObserver& observer,
                 const ExecutionSettings& settings) {
    const data::EndKind kind = cluster.at(0).end_kind();
    const bool eof = kind == data::EndKind::kEof;
    ENGINE_ASSERT(eof || settings.stop_at_turn);
    (eof ? reached_.ends : reached_.stops) += 1;
    reached_.durable += store_.partitions()[0].history.durable.value();
    const Model model(flow_);
    for (const test::StepSpec& spec : flow_.specs) {
      if (spec.kind != graph::StepKind::kStatefulBatch) continue;
      const int calls = observer.eof_calls(spec.id);
      ENGINE_ASSERT(calls == 0 || calls == static_cast<int>(cluster.size()), spec.id, calls);
      ENGINE_ASSERT(calls > 0 || !eof, spec.id);
      if (calls == 0) continue;
      for (const StepId& source : model.sources_of(spec.id)) {
        ENGINE_ASSERT(observer.all_parts_closed(source), spec.id, source);
      }
    }
  }

  void check_outcome(const RecoveryObserver& observer, const Positions& before) {
    Epoch durable = store_.partitions()[0].history.durable;
    for (const auto& each : store_.partitions()) {
      ENGINE_ASSERT(each.history.durable == durable, each.history.durable, durable);
    }
    observer.check_committed(durable);
    const Positions after = positions(durable);
    Facts facts;
    facts.polled = items_before(after);
    facts.left_over = observer.facts.left_over;
    facts.saw_eof = steps_without_states(durable);
    std::map<StepId, Ints> read = items_before(before);
    for (const auto& [source, items] : observer.facts.polled) {
      read[source].insert(read[source].end(), items.begin(), items.end());
    }
    for (auto& [source, items] : read) {
      require_same(source + " has read, and stored", std::move(items), facts.polled[source]);
    }
    for (auto& [sink, expected] : Model(flow_).outcome(facts)) {
      if (spec_of(sink).kind == graph::StepKind::kSinkPartitioned) {
        require_same(sink + " holds, and should", files_.rows(sink), std::move(expected));
      } else {  // without positions: each item at least once
        Ints& written = written_[sink];
        std::sort(written.begin(), written.end());
        ENGINE_ASSERT(
            std::includes(written.begin(), written.end(), expected.begin(), expected.end()), sink,
            written.size(), expected.size());
      }
    }
  }

  static void require_same(const std::string& what, Ints have, Ints want) {
    std::sort(have.begin(), have.end());
    std::sort(want.begin(), want.end());
    if (have == want) return;
    Ints missing;
    Ints added;
    std::set_difference(want.begin(), want.end(), have.begin(), have.end(),
                        std::back_inserter(missing));
    std::set_difference(have.begin(), have.end(), want.begin(), want.end(),
                        std::back_inserter(added));
    std::ostringstream text;
    text << what << ": " << have.size() << ", " << want.size() << " items; missing "
         << missing.size() << ", too many " << added.size();
    throw InvariantError(text.str());
  }

  OpenPartition open_;
  Random random_;
  RandomFlow generated_;
  test::BuiltFlow flow_;
  // What survives an execution.
  SimStore store_;
  test::MemoryFiles files_;
  Outcome written_;  // to sinks of both kinds, repetitions included
  test::FakeClock clock_;
  Epoch claimed_{};

  bool is_restored_ = false;  // since an execution began on all partitions

  std::vector<WorkerIndex> owners_;  // by partition
  std::size_t calls_ = 0;
  StepId failed_in_;
  std::ostringstream log_;
  Reached reached_;
};

}  // namespace cppwax::simulation
