// One worker: executes the whole dataflow on its share of the items. A plain state machine without
// a thread: runtime gives it one, a test schedules its steps itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/base/ids.hpp"
#include "engine/channel/mailbox.hpp"
#include "engine/graph/plan.hpp"
#include "engine/operators/logic.hpp"
#include "engine/operators/probe.hpp"
#include "engine/operators/step.hpp"
#include "engine/operators/step_host.hpp"
#include "engine/operators/store_access.hpp"
#include "engine/progress/epoch_clock.hpp"
#include "engine/worker/activations.hpp"
#include "engine/worker/conversion.hpp"
#include "engine/worker/dataflow_builder.hpp"
#include "engine/worker/meters.hpp"
#include "engine/worker/wiring.hpp"

namespace cppwax::worker {

struct WorkerSettings {
  operators::Seat seat;
  Duration epoch_interval{};
  channel::Amount window = channel::kDefaultWindow;
  // Null: without recovery. Outlives the worker.
  const operators::StoreAccess* store = nullptr;
  // Null: nobody watches. Outlives the worker.
  WorkerMeters* meters = nullptr;
};

enum class StepResult {
  kWorked,    // call again
  kIdle,      // nothing before a delivery or `next_due`
  kFinished,  // all steps have ended, or a source asked for an abrupt end (`aborted`)
};

// Used by one thread at a time, inside that thread's UserCodeScope. Only its mailbox is shared.
// Invariants: (1) no user code runs before `step`; (2) no source is built before every worker has
// told its partitions and (P16) loaded what was stored; (3) user code that was opened is closed by
// `close`, once.
class Worker final : public operators::StepHost {
 public:
  // All references outlive the worker. REQUIRES: the plan has snapshot streams if and only if there
  // is a store.
  Worker(const graph::Plan& plan, const operators::LogicFactory& logic, const Clock& clock,
         channel::Peers& peers, WorkerSettings settings);

  // Does one thing: takes what came in, then activates one step.
  // Errors: Error with its context filled in; the worker is then good for `close` only.
  StepResult step(std::deque<channel::Delivery> arrived);
  // When `step` may have something to do although nothing comes in.
  std::optional<SteadyTime> next_due() const;
  // Closes sources and sinks, all of them; the first error comes out at the end.
  void close();

  bool aborted() const { return aborted_; }
  WorkerIndex index() const { return settings_.seat.worker; }
  // The epoch of the step that ran last: orders failures.
  Epoch epoch() const { return current_epoch_; }
  // The last epoch that is through everywhere, as far as this worker knows; 0: none of this run.
  Epoch durable() const { return durable_; }
  // How the flow ended, once `step` said kFinished without an abort.
  data::EndKind end_kind() const;

  const Clock& clock() const override { return clock_; }
  Epoch opened() const override { return opened_; }
  bool stopping() const override { return stopping_; }
  bool probe_passed(Epoch epoch) const override { return probe_ && probe_->passed(epoch); }
  bool epoch_each_poll() const override { return settings_.epoch_interval == Duration::zero(); }
  bool may_join() const override { return hides_rounds_ && !epoch_each_poll(); }
  void report_active(Epoch epoch) override;
  void abort() override { aborted_ = true; }

 private:
  void handle(channel::Delivery delivery);
  void handle(const channel::Control& control);
  bool prepare();
  void list_parts();
  bool have_all_parts() const;
  void gather();
  enum class Which { kSources, kOthers };
  void build_steps(Which which);
  void build_step(StepIndex step);
  void restore(const StepId& step, recovery::Entries entries);
  bool load();
  void run();
  void tick();
  bool activate_next();
  void schedule(StepIndex index, operators::Activity activity);
  void activate_probe();
  void tell_durable();
  void tell_committed(Epoch epoch);
  void wake_sources();
  void post_to_all(const channel::Control& control);
  bool finished() const;
  template <class Use>
  decltype(auto) in_context(StepIndex step, Use&& use);

  const graph::Plan& plan_;
  const operators::LogicFactory& logic_;
  const Clock& clock_;
  channel::Peers& peers_;
  WorkerSettings settings_;
  bool hides_rounds_;
  Activations activations_;
  Wiring wiring_;
  DataflowBuilder builder_;
  MeteredSteps metered_;
  Conversion conversion_;

  enum class Phase { kNew, kGathering, kLoading, kRunning };
  Phase phase_ = Phase::kNew;
  // By step, then by worker; what has been told so far.
  std::vector<std::vector<std::optional<std::vector<std::string>>>> parts_;

  Beginning beginning_;
  std::uint32_t loaded_ = 0;  // workers that are

  // The places of the loader, the restoring step and the probe stay empty.
  std::vector<std::unique_ptr<operators::Step>> steps_;
  std::unique_ptr<operators::SnapshotLoaderStep> loader_;  // of a resume, while it loads
  std::unique_ptr<operators::RestoreStep> restore_;
  operators::SnapshotWriterStep* writer_ = nullptr;  // null without recovery
  std::unique_ptr<operators::ProbeStep> probe_;
  std::size_t open_steps_ = 0;

  std::optional<progress::EpochClock> epoch_clock_;  // worker 0 only
  Epoch opened_;
  std::optional<Epoch> active_told_;
  std::optional<Epoch> active_before_start_;  // as others told worker 0
  bool stopping_ = false;
  bool aborted_ = false;
  Epoch current_epoch_;
  Epoch durable_{};
};

}  // namespace cppwax::worker
