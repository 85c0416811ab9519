#include "engine/worker/worker.hpp"

#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/first_failure.hpp"
#include "engine/worker/rounds.hpp"

namespace cppwax::worker {

using channel::Control;
using channel::Delivery;

namespace {

WorkerSettings seated(WorkerSettings settings) {
  settings.seat.recovery = settings.store != nullptr;
  return settings;
}

// What is stored of a partition that nobody lists would be lost unseen.
void require_listed(const StepId& step, const recovery::Entries& entries,
                    const progress::Assignment& parts) {
  for (const recovery::Entry& entry : entries) {
    if (parts.contains(entry.key)) continue;
    throw RecoveryError("the recovery store has a state of partition '" + entry.key +
                        "' of step '" + step + "', which its `list_parts` does not name any " +
                        "more; bring the partition back, or remove its state for good with " +
                        "`cppwax state drop`");
  }
}

Epoch first_epoch(const WorkerSettings& settings) {
  return settings.store ? settings.store->execution().first : kFirstEpoch;
}

}  // namespace

Worker::Worker(const graph::Plan& plan, const operators::LogicFactory& logic, const Clock& clock,
               channel::Peers& peers, WorkerSettings settings)
    : plan_(plan),
      logic_(logic),
      clock_(clock),
      peers_(peers),
      settings_(seated(settings)),
      hides_rounds_(hides_rounds(plan)),
      activations_(plan, settings.seat.worker_count),
      wiring_(plan, settings_.seat, settings.window, peers, activations_),
      builder_(plan, logic, settings_.seat, wiring_, *this),
      metered_(plan, clock, settings.meters),
      conversion_(plan, logic.codec()),
      parts_(plan.steps().size()),
      opened_(first_epoch(settings)),
      current_epoch_(opened_) {
  beginning_.first = opened_;
  metered_.opened(opened_);
  if (settings_.meters) builder_.meter_in(*settings_.meters);
}

StepResult Worker::step(std::deque<Delivery> arrived) {
  for (Delivery& delivery : arrived) handle(std::move(delivery));
  if (phase_ != Phase::kRunning) {
    const bool again = prepare();
    if (phase_ != Phase::kRunning) return again ? StepResult::kWorked : StepResult::kIdle;
  }
  tick();
  const bool worked = activate_next();
  if (aborted_ || finished()) return StepResult::kFinished;
  return worked ? StepResult::kWorked : StepResult::kIdle;
}

// Runs `use` on behalf of a step; its errors learn where they happened.
template <class Use>
decltype(auto) Worker::in_context(StepIndex step, Use&& use) {
  try {
    return std::forward<Use>(use)();
  } catch (Error& error) {
    if (steps_.size() > step.value() && steps_[step.value()]) {
      current_epoch_ = steps_[step.value()]->epoch();
    }
    if (error.context.step.empty()) error.context.step = plan_.step(step).id;
    if (!error.context.worker) error.context.worker = settings_.seat.worker;
    if (!error.context.epoch) error.context.epoch = current_epoch_;
    throw;
  }
}

// ---- The start: list partitions, hear all others', build, load what was stored.

// Returns whether it can go on at once.
bool Worker::prepare() {
  if (phase_ == Phase::kNew) {
    list_parts();
    phase_ = Phase::kGathering;
  }
  if (phase_ == Phase::kGathering) {
    if (!have_all_parts()) return false;
    gather();
    const bool resumes = settings_.store && settings_.store->is_resume;
    // Sources before all others, as users' `build_part` may rely on; but see P16.
    if (!resumes) build_steps(Which::kSources);
    build_steps(Which::kOthers);
    phase_ = Phase::kLoading;
    if (!resumes) run();
  }
  return phase_ == Phase::kLoading && load();
}

void Worker::list_parts() {
  for (std::uint32_t i = 0; i < plan_.steps().size(); ++i) {
    const StepIndex step(i);
    if (!is_partitioned(plan_.step(step).kind)) continue;
    parts_[i].resize(settings_.seat.worker_count);
    auto names =
        in_context(step, [&] { return logic_.list_parts(plan_.step(step).logic, settings_.seat); });
    post_to_all(channel::Parts{step, settings_.seat.worker, std::move(names)});
  }
}

bool Worker::have_all_parts() const {
  for (const auto& step : parts_) {
    for (const auto& names : step) {
      if (!names) return false;
    }
  }
  return true;
}

void Worker::gather() {
  const std::size_t count = plan_.steps().size();
  for (std::uint32_t i = 0; i < count; ++i) {
    std::vector<std::vector<std::string>> listed;
    for (auto& names : parts_[i]) listed.push_back(std::move(*names));
    beginning_.assignments.push_back(progress::assign_partitions(listed));
    // Now, as sinks that are built may empty what they write to.
    in_context(StepIndex(i), [&] { builder_.check_parts(StepIndex(i), beginning_); });
  }
  beginning_.positions.resize(count);
  steps_.resize(count);
}

void Worker::build_steps(Which which) {
  for (std::uint32_t i = 0; i < plan_.steps().size(); ++i) {
    const bool is_source = graph::is_source(plan_.steps()[i].kind);
    if (is_source == (which == Which::kSources)) build_step(StepIndex(i));
  }
}

void Worker::build_step(StepIndex step) {
  switch (plan_.step(step).kind) {
    case graph::StepKind::kProbe:
      probe_ = builder_.build_probe(step, beginning_.first);
      return;
    case graph::StepKind::kSnapshotLoader:
      loader_ = builder_.build_loader(step, *settings_.store, beginning_);
      return;
    case graph::StepKind::kRestore:
      restore_ = builder_.build_restore(
          step, beginning_.first,
          [this](const StepId& id, recovery::Entries entries) { restore(id, std::move(entries)); });
      return;
    case graph::StepKind::kSnapshotWriter: {
      auto writer = builder_.build_writer(step, *settings_.store);
      writer_ = writer.get();
      steps_[step.value()] = std::move(writer);
      break;
    }
    default: {
      std::unique_ptr<operators::Step>& built = steps_[step.value()];
      built = in_context(step, [&] { return builder_.build(step, beginning_); });
      in_context(step, [&] { built->open(); });
    }
  }
  ++open_steps_;
}

// What was loaded of a step: source partitions have their positions from it when they are built.
void Worker::restore(const StepId& id, recovery::Entries entries) {
  const auto step = plan_.find(id);
  if (!step) return;
  const graph::StepKind kind = plan_.step(*step).kind;
  // It was told before the run that they are not used.
  if (!graph::keeps_state(kind)) return;
  if (is_partitioned(kind)) {
    in_context(*step, [&] { require_listed(id, entries, beginning_.assignments[step->value()]); });
  }
  if (!graph::is_source(kind)) {
    in_context(*step, [&] { steps_[step->value()]->restore(std::move(entries)); });
    return;
  }
  for (recovery::Entry& entry : entries) {
    beginning_.positions[step->value()][std::move(entry.key)] = std::move(*entry.state);
  }
}

// Returns whether it can go on at once.
bool Worker::load() {
  if (restore_) {
    const operators::Activity activity = loader_->activate();
    restore_->activate();
    if (!restore_->done() || !loader_->done()) return activity == operators::Activity::kAgain;
    restore_.reset();
    loader_.reset();
    for (std::uint32_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i]) in_context(StepIndex(i), [&] { steps_[i]->resume(); });
    }
    // The run before may have died before it could tell.
    tell_committed(settings_.store->execution().cut);
    post_to_all(channel::Loaded{settings_.seat.worker});
  }
  if (loaded_ < settings_.seat.worker_count) return false;
  build_steps(Which::kSources);
  run();
  return true;
}

void Worker::run() {
  phase_ = Phase::kRunning;
  metered_.enters(stopping_ ? WorkerPhase::kStopping : WorkerPhase::kRunning);
  if (settings_.seat.worker != WorkerIndex(0)) return;
  epoch_clock_.emplace(beginning_.first, settings_.epoch_interval, clock_.steady());
  if (settings_.store && builder_.any_starts_now()) epoch_clock_->close_first_at_once();
  if (stopping_) epoch_clock_->stop();
  if (active_before_start_) epoch_clock_->active(*active_before_start_);
}

// ---- What comes in.

void Worker::handle(Delivery delivery) {
  if (auto* data = std::get_if<channel::DataDelivery>(&delivery)) {
    wiring_.deliver(std::move(*data));
  } else if (auto* encoded = std::get_if<channel::EncodedDelivery>(&delivery)) {
    const StepIndex step = plan_.channel(encoded->channel).to;
    in_context(step, [&] { wiring_.deliver(conversion_.decode(std::move(*encoded))); });
  } else if (const auto* credit = std::get_if<channel::CreditDelivery>(&delivery)) {
    wiring_.deliver(*credit);
  } else {
    handle(std::get<Control>(delivery));
  }
}

void Worker::handle(const Control& control) {
  if (const auto* parts = std::get_if<channel::Parts>(&control)) {
    parts_[parts->step.value()].resize(settings_.seat.worker_count);
    parts_[parts->step.value()][parts->worker.value()] = parts->names;
  } else if (const auto* active = std::get_if<channel::Active>(&control)) {
    // Another worker may be at work before this one has started.
    if (epoch_clock_) {
      epoch_clock_->active(active->epoch);
    } else {
      active_before_start_ = active->epoch;
    }
  } else if (const auto* open = std::get_if<channel::OpenEpoch>(&control)) {
    opened_ = open->epoch;
    metered_.opened(opened_);
    wake_sources();
  } else if (const auto* request = std::get_if<channel::StopRequest>(&control)) {
    if (epoch_clock_) epoch_clock_->stop();
    post_to_all(channel::Stop{opened_, request->signal});
  } else if (std::holds_alternative<channel::Stop>(control)) {
    stopping_ = true;
    metered_.enters(WorkerPhase::kStopping);
    wake_sources();
  } else if (std::holds_alternative<channel::Loaded>(control)) {
    ++loaded_;
  } else {  // news of the store
    for (std::uint32_t i = 0; i < plan_.steps().size(); ++i) {
      if (plan_.steps()[i].kind == graph::StepKind::kSnapshotWriter)
        activations_.wake(StepIndex(i));
    }
  }
}

void Worker::post_to_all(const Control& control) {
  for (std::uint32_t w = 0; w < settings_.seat.worker_count; ++w) {
    if (WorkerIndex(w) == settings_.seat.worker) {
      handle(control);
    } else {
      peers_.post(WorkerIndex(w), control);
    }
  }
}

// ---- Epochs.

void Worker::report_active(Epoch epoch) {
  if (active_told_ >= epoch) return;
  active_told_ = epoch;
  if (epoch_clock_) {
    epoch_clock_->active(epoch);
  } else {
    peers_.post(WorkerIndex(0), Control(channel::Active{epoch}));
  }
}

void Worker::tick() {
  if (!epoch_clock_ || !epoch_clock_->next_due()) return;
  if (const auto epoch = epoch_clock_->open_next(clock_.steady())) {
    post_to_all(channel::OpenEpoch{*epoch});
  }
}

void Worker::activate_probe() {
  const Epoch before = probe_->epoch();
  const bool was_done = probe_->done();
  probe_->activate();
  if (probe_->epoch() == before && probe_->done() == was_done) return;
  metered_.through(probe_->through());
  if (epoch_clock_) epoch_clock_->durable(Epoch(probe_->epoch().value() - 1));
  if (epoch_each_poll()) wake_sources();
  if (writer_) tell_durable();
}

// The last epoch of a run is told too (P9 2b).
void Worker::tell_durable() {
  writer_->probe_passed(probe_->epoch());
  durable_ = probe_->through();
  tell_committed(durable_);
}

void Worker::tell_committed(Epoch epoch) {
  for (std::uint32_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i]) in_context(StepIndex(i), [&] { steps_[i]->committed(epoch); });
  }
}

void Worker::wake_sources() {
  for (std::uint32_t i = 0; i < plan_.steps().size(); ++i) {
    if (graph::is_source(plan_.steps()[i].kind)) activations_.wake(StepIndex(i));
  }
}

// ---- Running.

bool Worker::activate_next() {
  if (activations_.next_due()) activations_.fire(clock_.wall());
  const auto next = activations_.next();
  if (!next) return false;
  if (next->value() == steps_.size() - 1) {
    activate_probe();
    return true;
  }
  if (!steps_[next->value()] || steps_[next->value()]->done()) return true;
  operators::Step& step = *steps_[next->value()];
  const auto activity = in_context(*next, [&] { return metered_.activate(*next, step); });
  if (step.done()) {
    --open_steps_;
    activations_.wake_at(*next, std::nullopt);
    return true;
  }
  schedule(*next, activity);
  return true;
}

// A time that is over already waits for the next round: user code that always asks for such a time
// would keep its worker from all else.
void Worker::schedule(StepIndex index, operators::Activity activity) {
  std::optional<WallTime> wake;
  if (activity == operators::Activity::kAgain) {
    activations_.wake(index);
  } else {
    wake = steps_[index.value()]->next_wake();
    if (wake && *wake <= clock_.wall()) {
      activations_.wake_in_next_round(index);
      wake.reset();
    }
  }
  activations_.wake_at(index, wake);
}

bool Worker::finished() const {
  return open_steps_ == 0 && probe_->done();
}

data::EndKind Worker::end_kind() const {
  return probe_->ended()->kind;
}

std::optional<SteadyTime> Worker::next_due() const {
  std::optional<SteadyTime> due;
  if (epoch_clock_) due = epoch_clock_->next_due();
  if (const auto wake = activations_.next_due()) {
    const SteadyTime steady = clock_.steady() + (*wake - clock_.wall());
    if (!due || steady < *due) due = steady;
  }
  return due;
}

void Worker::close() {
  FirstFailure first;
  metered_.enters(WorkerPhase::kEnded);
  first.attempt([&] { builder_.close(); });
  for (std::uint32_t i = 0; i < steps_.size(); ++i) {
    if (!steps_[i]) continue;
    first.attempt([&] { in_context(StepIndex(i), [&] { steps_[i]->close(); }); });
  }
  first.rethrow();
}

}  // namespace cppwax::worker
