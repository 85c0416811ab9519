#include "engine/operators/inner_step.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "engine/base/error.hpp"

namespace cppwax::operators {

namespace {

// Enough to make what a batch costs small beside its states, few enough to keep its bytes small.
constexpr std::size_t kEntriesABatch = 4096;

}  // namespace

InnerStep::InnerStep(Wires wires, StepHost& host, Epoch first)
    : id_(std::move(wires.id)),
      inputs_(std::move(wires.inputs)),
      outputs_(std::move(wires.outputs)),
      meter_(wires.meter),
      host_(host),
      frontier_(channel::count_senders(inputs_), first),
      epoch_(first) {
  std::size_t next = 0;
  for (const auto* input : inputs_) {
    first_sender_.push_back(next);
    next += input->sender_count();
  }
}

Activity InnerStep::activate() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  take_arrived();
  work();
  advance();
  for (auto* input : inputs_) input->pay();
  return more_to_do() ? Activity::kAgain : Activity::kWaits;
}

void InnerStep::take_arrived() {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    while (auto envelope = inputs_[i]->take()) take_message(i, std::move(*envelope));
  }
}

void InnerStep::take_message(std::size_t input, channel::Envelope envelope) {
  const std::size_t sender = first_sender_[input] + envelope.sender;
  if (auto* batch = std::get_if<data::Batch>(&envelope.message)) {
    ENGINE_ASSERT(frontier_.allows(sender, batch->epoch), batch->epoch, epoch_);
    take_batch(std::move(*batch), *inputs_[input], envelope.sender);
  } else if (const auto* frontier = std::get_if<data::FrontierAdvance>(&envelope.message)) {
    frontier_.advance(sender, frontier->epoch);
  } else {
    frontier_.end(sender, std::get<data::End>(envelope.message));
  }
}

// Of a payload in parts, the last part gives back the credit of all.
void InnerStep::take_batch(data::Batch batch, channel::Receiver& from, std::size_t sender) {
  if (meter_) meter_->arrived(batch.payload->size());
  auto& queue = tasks_[batch.epoch];
  while (sees_batches() && batch.payload->part_count() > 1) {
    queue.push_back(Task{batch.epoch, batch.payload->take_part(), nullptr, &from, sender});
  }
  queue.push_back(
      Task{batch.epoch, std::move(batch.payload), nullptr, &from, sender, batch.amount});
}

// One task a call, or the parts of one batch, within one slice. What is due fires after the batch
// that is in work, or at hand, and before the next one: user code that always asks for a past time
// does not stop the step.
void InnerStep::work() {
  Task* task = next_task();
  const bool begun = task && task->job;
  const bool open = task && outputs_.open(task->epoch);
  const bool is_due = !begun && (due_first_ || !open) && due_now();
  if (!open && !is_due) return;
  const Timed time(calls_user_code() ? meter_ : nullptr, host_.clock(), Timed::As::kCalls);
  if (is_due) return work_on_due();
  const Epoch epoch = task->epoch;
  SliceEmitter out(outputs_, epoch, SliceEmitter::Wait::kForCredit);
  bool is_first = true;
  for (bool more_parts = true; more_parts; is_first = false) {
    auto& queue = tasks_.at(epoch);
    try {
      if (!work_on(queue.front(), out)) return;
    } catch (...) {
      if (is_first) throw;
      // What the parts before it gave goes on first, as far as it can.
      failure_ = std::current_exception();
      return;
    }
    // Only the last part of a batch has its amount.
    more_parts = queue.front().from && queue.front().amount.items == 0 && out.room() > 0;
    queue.pop_front();
    const auto due = next_due();
    due_first_ = due && *due <= host_.clock().wall();
    if (due_first_ && due_now()) return work_on_due();
  }
}

// Returns whether the task is through.
bool InnerStep::work_on(Task& task, SliceEmitter& out) {
  working_in_ = task.epoch;
  if (task.job) {
    if (task.job->run(out) == Work::kDone) task.job.reset();
  } else {
    if (meter_) meter_->began(task.batch->size());
    task.job = start(task.epoch, std::move(task.batch), out);
  }
  working_in_.reset();
  if (task.job) return false;
  if (task.amount.items > 0) task.from->owe(task.sender, task.epoch, task.amount);
  due_again_ = !task.from && due_now();
  return true;
}

std::optional<WallTime> InnerStep::next_wake() const {
  return outputs_.open(epoch_) ? next_due() : std::nullopt;
}

bool InnerStep::due_now() const {
  const auto due = next_wake();
  return due && *due <= host_.clock().wall();
}

void InnerStep::work_on_due() {
  due_first_ = false;
  host_.report_active(epoch_);
  Task task{.epoch = epoch_, .batch = nullptr, .job = start_due(host_.clock().wall())};
  SliceEmitter out(outputs_, epoch_, SliceEmitter::Wait::kForCredit);
  if (task.job && !work_on(task, out)) tasks_[epoch_].push_front(std::move(task));
}

bool InnerStep::held() {
  const Task* task = done_ ? nullptr : next_task();
  return task && !outputs_.open(task->epoch);
}

InnerStep::Task* InnerStep::lowest_task() {
  for (auto& [epoch, queue] : tasks_) {
    if (!queue.empty()) return &queue.front();
  }
  return nullptr;
}

InnerStep::Task* InnerStep::next_task() {
  Task* task = lowest_task();
  return task && task->epoch > epoch_ && holds_back() ? nullptr : task;
}

// The least epoch of which anything may still be emitted.
Epoch InnerStep::least_epoch() {
  const auto open = frontier_.least();
  const Epoch least = open ? *open : frontier_.ended()->epoch;
  const Task* task = lowest_task();
  return task ? std::min(least, task->epoch) : least;
}

void InnerStep::advance() {
  if (done_) return;
  const Epoch least = least_epoch();
  if (epoch_ < least) {
    end_epoch();
    store_changes();
    epoch_ = least;
    outputs_.advance(epoch_);
    tasks_.erase(tasks_.begin(), tasks_.lower_bound(epoch_));
  }
  if (const auto end = frontier_.ended(); end && !lowest_task()) finish(*end);
}

void InnerStep::finish(data::End end) {
  if (end.kind == data::EndKind::kEof) {
    const WallTime now = host_.clock().wall();
    if (const auto due = next_due(); due && *due <= now) run_to_end(start_due(now));
    run_to_end(start_eof());
  }
  end_epoch();
  store_changes();
  outputs_.end(end);
  done_ = true;
}

// What an epoch did to the step, when it is over; waits for nothing (P4).
void InnerStep::store_changes() {
  if (!holds_back()) return;
  const Timed time(meter_, host_.clock(), Timed::As::kSnapshot);
  for (;;) {
    recovery::Entries entries = storable()->take_changes(kEntriesABatch);
    if (entries.empty()) return;
    outputs_.store(epoch_, id_, std::move(entries));
  }
}

// What the end emits waits for nothing (P4).
void InnerStep::run_to_end(std::unique_ptr<Job> job) {
  if (!job) return;
  const Timed time(calls_user_code() ? meter_ : nullptr, host_.clock(), Timed::As::kCalls);
  SliceEmitter out(outputs_, epoch_, SliceEmitter::Wait::kForNothing);
  while (job->run(out) == Work::kMore) {
  }
}

bool InnerStep::more_to_do() {
  if (done_) return false;
  if (failure_) return true;
  const Task* task = next_task();
  if (task && outputs_.open(task->epoch)) return true;
  return !due_again_ && due_now();
}

}  // namespace cppwax::operators
