#include "engine/worker/recovery_session.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/first_failure.hpp"
#include "engine/recovery/store_error.hpp"

namespace cppwax::worker {

namespace {

// Tells what `own` gives, or why it gives nothing, and returns what all told, by process: if one is
// refused by its store, all throw the same.
template <class Content>
std::optional<std::vector<Content>> exchange(
    const Gather& gather, const Place& place,
    std::variant<Content, StoreRefusal> (*read)(const transport::Report&),
    const std::function<Content()>& own) {
  transport::Report report;
  try {
    report = write_report(own());
  } catch (const recovery::StoreError& error) {
    report = write_report(StoreRefusal{error.fault, error.what()});
  }
  const auto round = gather(std::move(report));
  if (!round) return std::nullopt;
  std::vector<Content> all;
  for (std::uint32_t p = 0; p < round->size(); ++p) {
    auto told = read((*round)[p]);
    if (const auto* refusal = std::get_if<StoreRefusal>(&told)) {
      const bool is_own = ProcessIndex(p) == place.process;
      throw recovery::StoreError(
          refusal->fault, (is_own ? "" : "process " + std::to_string(p) + ": ") + refusal->message);
    }
    all.push_back(std::get<Content>(std::move(told)));
  }
  return all;
}

// What is stored of steps that were renamed or removed, or became another kind of step, would be
// lost unseen.
struct StrangeSteps {
  std::set<StepId> unknown;
  std::set<StepId> stateless;

  std::set<StepId> all() const {
    std::set<StepId> both = unknown;
    both.insert(stateless.begin(), stateless.end());
    return both;
  }
};

// Also an operator that is made of others.
bool has_step(const graph::Plan& plan, const StepId& id) {
  return std::ranges::any_of(plan.steps(), [&](const graph::Step& step) {
    return step.id == id || step.id.starts_with(id + ".");
  });
}

StrangeSteps find_strange(const graph::Plan& plan, const std::vector<StepsReport>& stored) {
  StrangeSteps strange;
  for (const StepsReport& report : stored) {
    for (const StepId& step : report.steps) {
      const auto index = plan.find(step);
      if (index && graph::keeps_state(plan.step(*index).kind)) continue;
      (has_step(plan, step) ? strange.stateless : strange.unknown).insert(step);
    }
  }
  return strange;
}

std::string list_of(const std::set<StepId>& steps) {
  std::string names;
  for (const StepId& step : steps) names += (names.empty() ? "'" : ", '") + step + "'";
  return names;
}

std::string text_of(const StrangeSteps& strange) {
  std::string text = "states of steps that ";
  if (!strange.unknown.empty()) text += "the dataflow does not have: " + list_of(strange.unknown);
  if (!strange.unknown.empty() && !strange.stateless.empty()) text += "; and of steps that ";
  if (!strange.stateless.empty()) text += "keep no state any more: " + list_of(strange.stateless);
  return text;
}

}  // namespace

bool RecoverySession::open(const graph::Plan& plan, const Place& place, const Gather& gather) {
  try {
    if (open_all(plan, place, gather)) return true;
  } catch (...) {
    own_.clear();
    throw;
  }
  own_.clear();
  return false;
}

// What is computed between the exchanges is computed alike everywhere, failures included.
bool RecoverySession::open_all(const graph::Plan& plan, const Place& place, const Gather& gather) {
  const auto sights = exchange<SightReport>(gather, place, read_sight, [&] { return look(); });
  if (!sights) return false;
  const std::vector<Home> homes = find_homes(*sights, place);

  const auto histories = exchange<HistoryReport>(
      gather, place, read_histories, [&] { return open_own(homes, plan.flow_id(), place); });
  if (!histories) return false;
  const recovery::Resume resume = find_resume(*histories, place, homes.size());

  // As of the cut: a partition may have epochs beyond it, which count for nothing.
  const auto stored = exchange<StepsReport>(gather, place, read_steps,
                                            [&] { return stored_steps(resume.execution.cut); });
  if (!stored) return false;
  const std::set<StepId> to_drop = steps_to_drop(plan, place, *sights, *stored);

  const auto begun = exchange<BegunReport>(gather, place, read_begun, [&] {
    begin_own(resume.execution, to_drop);
    return BegunReport{};
  });
  if (!begun) return false;
  give_to_workers(homes, resume, place);
  return true;
}

SightReport RecoverySession::look() {
  recovery::FoundStore found = recovery::find_partitions(settings_.folder);
  warnings_ = std::move(found.warnings);
  return {std::move(found.partitions), settings_.drop_strange_states,
          settings_.refuse_strange_states};
}

// Partitions are spread over the workers of their process in turn.
std::vector<RecoverySession::Home> RecoverySession::find_homes(
    const std::vector<SightReport>& sights, const Place& place) {
  std::vector<std::vector<recovery::FoundPartition>> seen;
  for (const SightReport& sight : sights) seen.push_back(sight.partitions);
  std::vector<std::uint32_t> taken(sights.size(), 0);
  std::vector<Home> homes;
  for (recovery::PartitionHome& at : recovery::arrange_partitions(seen)) {
    const std::uint32_t worker = taken[at.process]++ % place.workers_per_process;
    const auto process = static_cast<std::uint32_t>(at.process);
    homes.push_back({std::move(at), WorkerIndex(process * place.workers_per_process + worker)});
  }
  return homes;
}

HistoryReport RecoverySession::open_own(const std::vector<Home>& homes, const std::string& flow_id,
                                        const Place& place) {
  for (const Home& home : homes) {
    const recovery::PartitionHome& at = home.at;
    if (ProcessIndex(static_cast<std::uint32_t>(at.process)) != place.process) continue;
    recovery::PartitionSettings settings;
    settings.file = {at.path, at.identity, flow_id};
    own_.push_back({at.identity.index, home.primary.value() % place.workers_per_process,
                    std::make_unique<recovery::SqlitePartition>(std::move(settings))});
  }
  HistoryReport report;
  for (const Own& own : own_) {
    report.partitions.push_back({own.index, own.partition->history()});
  }
  return report;
}

// One process tells what all find.
recovery::Resume RecoverySession::find_resume(const std::vector<HistoryReport>& reports,
                                              const Place& place, std::size_t partition_count) {
  std::vector<recovery::History> histories(partition_count);
  std::size_t told = 0;
  for (const HistoryReport& report : reports) {
    for (const HistoryReport::Each& each : report.partitions) {
      ENGINE_ASSERT(each.index.value() < partition_count, each.index);
      histories[each.index.value()] = each.history;
      ++told;
    }
  }
  ENGINE_ASSERT(told == partition_count, told);
  recovery::Resume resume = recovery::find_resume(histories);
  if (place.process == ProcessIndex(0)) {
    for (const RecoveryPartitionIndex behind : resume.behind) {
      warnings_.push_back("partition " + std::to_string(behind.value()) + " in " +
                          settings_.folder +
                          " is older than the others, as if it had been copied back: the run " +
                          "goes on from epoch " + std::to_string(resume.execution.cut.value()));
    }
  }
  return resume;
}

StepsReport RecoverySession::stored_steps(Epoch cut) {
  StepsReport report;
  for (const Own& own : own_) report.steps.merge(own.partition->stored_steps(cut));
  return report;
}

std::set<StepId> RecoverySession::steps_to_drop(const graph::Plan& plan, const Place& place,
                                                const std::vector<SightReport>& sights,
                                                const std::vector<StepsReport>& stored) {
  const StrangeSteps strange = find_strange(plan, stored);
  const std::set<StepId> all = strange.all();
  if (all.empty()) return {};
  const auto drops = [](const SightReport& sight) { return sight.drops_strange_states; };
  const auto refuses = [](const SightReport& sight) { return sight.refuses_strange_states; };
  const std::string what =
      "the recovery store in " + settings_.folder + " holds " + text_of(strange);
  if (std::ranges::all_of(sights, drops)) return all;
  if (std::ranges::any_of(sights, drops)) {
    throw RecoveryError(what + "; some processes were started with --drop-state, others without: " +
                        "give it to all of them, or to none");
  }
  if (std::ranges::any_of(sights, refuses)) {
    throw RecoveryError(what + "; give the steps their old names and kinds back, or remove these " +
                        "states for good with --drop-state");
  }
  if (place.process == ProcessIndex(0)) warnings_.push_back(what + "; they are not used");
  return {};
}

void RecoverySession::begin_own(const recovery::Execution& execution,
                                const std::set<StepId>& to_drop) {
  for (const Own& own : own_) {
    for (const StepId& step : to_drop) own.partition->drop(step);
    own.partition->begin(execution);
  }
}

void RecoverySession::give_to_workers(const std::vector<Home>& homes,
                                      const recovery::Resume& resume, const Place& place) {
  std::vector<recovery::Execution> executions = resume.earlier;
  executions.push_back(resume.execution);
  std::vector<WorkerIndex> primaries;
  for (const Home& home : homes) primaries.push_back(home.primary);
  for (std::uint32_t w = 0; w < place.workers_per_process; ++w) {
    operators::StoreAccess access{.executions = executions,
                                  .is_resume = !resume.is_first,
                                  .primaries = primaries,
                                  .own = {},
                                  .backup_epochs = settings_.backup_epochs};
    access.own.resize(homes.size(), nullptr);
    for (const Own& own : own_) {
      if (own.worker == w) access.own[own.index.value()] = own.partition.get();
    }
    accesses_.push_back(std::move(access));
  }
}

void RecoverySession::on_progress(const std::function<void(std::size_t)>& call) {
  for (const Own& own : own_) {
    const std::size_t worker = own.worker;
    own.partition->on_progress(call ? [call, worker] { call(worker); } : std::function<void()>());
  }
}

void RecoverySession::close() {
  FirstFailure first;
  for (const Own& own : own_) first.attempt([&] { own.partition->close(); });
  first.rethrow();
}

}  // namespace cppwax::worker
