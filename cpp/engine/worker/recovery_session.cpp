#include "engine/worker/recovery_session.hpp"

#include <utility>

#include "engine/base/first_failure.hpp"
#include "engine/recovery/store_error.hpp"
#include "engine/recovery/store_folder.hpp"

namespace cppwax::worker {

RecoverySession::RecoverySession(RecoverySettings settings, const graph::Plan& plan,
                                 std::uint32_t worker_count)
    : settings_(std::move(settings)) {
  open(plan.flow_id());
  std::vector<recovery::History> histories;
  for (const auto& partition : partitions_) histories.push_back(partition->history());
  const recovery::Resume resume = recovery::find_resume(histories);
  for (const RecoveryPartitionIndex behind : resume.behind) {
    warnings_.push_back("partition " + std::to_string(behind.value()) + " in " + settings_.folder +
                        " is older than the others, as if it had been copied back: the run goes " +
                        "on from epoch " + std::to_string(resume.execution.cut.value()));
  }
  look_at_strange_states(plan);
  for (const auto& partition : partitions_) partition->begin(resume.execution);
  give_to_workers(resume, worker_count);
}

void RecoverySession::open(const std::string& flow_id) {
  recovery::FoundStore found = recovery::find_partitions(settings_.folder);
  warnings_ = std::move(found.warnings);
  for (const recovery::PartitionHome& home : recovery::arrange_partitions({found.partitions})) {
    recovery::PartitionSettings settings;
    settings.file = {home.path, home.identity, flow_id};
    partitions_.push_back(std::make_unique<recovery::SqlitePartition>(std::move(settings)));
  }
}

// Of steps that were renamed or removed: what is stored of them would be lost unseen.
void RecoverySession::look_at_strange_states(const graph::Plan& plan) {
  std::set<StepId> strange;
  for (const auto& partition : partitions_) {
    for (const StepId& step : partition->stored_steps()) {
      if (!plan.find(step)) strange.insert(step);
    }
  }
  if (strange.empty()) return;
  std::string names;
  for (const StepId& step : strange) names += (names.empty() ? "'" : ", '") + step + "'";
  const std::string what = "the recovery store in " + settings_.folder + " holds states of steps " +
                           "that the dataflow does not have: " + names;
  if (!settings_.drop_strange_states) {
    if (settings_.refuse_strange_states) {
      throw RecoveryError(what + "; give the steps their old names back, or remove these states " +
                          "for good with --drop-state");
    }
    warnings_.push_back(what + "; they are not used");
    return;
  }
  for (const auto& partition : partitions_) {
    const auto stored = partition->stored_steps();
    for (const StepId& step : strange) {
      if (stored.contains(step)) partition->drop(step);
    }
  }
}

// Partitions are spread over the workers in turn.
void RecoverySession::give_to_workers(const recovery::Resume& resume, std::uint32_t worker_count) {
  std::vector<recovery::Execution> executions = resume.earlier;
  executions.push_back(resume.execution);
  std::vector<WorkerIndex> primaries;
  for (std::uint32_t p = 0; p < partitions_.size(); ++p) {
    primaries.push_back(WorkerIndex(p % worker_count));
  }
  for (std::uint32_t w = 0; w < worker_count; ++w) {
    operators::StoreAccess access{.executions = executions,
                                  .is_resume = !resume.is_first,
                                  .primaries = primaries,
                                  .own = {},
                                  .backup_epochs = settings_.backup_epochs};
    for (std::size_t p = 0; p < partitions_.size(); ++p) {
      const bool is_own = primaries[p] == WorkerIndex(w);
      access.own.push_back(is_own ? partitions_[p].get() : nullptr);
    }
    accesses_.push_back(std::move(access));
  }
}

void RecoverySession::on_progress(const std::function<void(std::size_t)>& call) {
  for (std::size_t p = 0; p < partitions_.size(); ++p) {
    const std::size_t worker = p % accesses_.size();
    partitions_[p]->on_progress(call ? [call, worker] { call(worker); } : std::function<void()>());
  }
}

void RecoverySession::close() {
  FirstFailure first;
  for (const auto& partition : partitions_) first.attempt([&] { partition->close(); });
  first.rethrow();
}

}  // namespace cppwax::worker
