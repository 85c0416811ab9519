"""The wrong rules: what each changes in the production code, as text that stands there once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ENGINE = Path("cpp/engine")


@dataclass(frozen=True)
class Mutation:
    """One rule of docs/progress_and_snapshots.md, broken."""

    name: str
    rule: str
    file: str
    """Below cpp/engine."""
    right: str
    wrong: str

    @property
    def simulations(self) -> tuple[str, ...]:
        """Which simulations may see it: transport is part of the one of ends alone."""
        return ("ends",) if self.file.startswith("transport/") else ("no recovery", "recovery")

    def apply(self, root: Path) -> str:
        """Break the rule below `root`; returns the text as it was.

        Raises:
            ValueError: The code no longer says what this mutation changes.
        """
        path = root / ENGINE / self.file
        text = path.read_text()
        if text.count(self.right) != 1:
            raise ValueError(
                f"mutation {self.name!r}: its text stands {text.count(self.right)} times in"
                f" {ENGINE / self.file}, not once; say in tests/mutations/rules.py what it is now"
            )
        path.write_text(text.replace(self.right, self.wrong))
        return text


MUTATIONS = (
    Mutation(
        "frontier_overtakes",
        "P1: a frontier passes the batch before it",
        "channel/receiver.cpp",
        "    queue_.push_back({sender, std::move(message)});",
        "    const bool passes = is_frontier(message) && !queue_.empty();\n"
        "    queue_.insert(queue_.end() - passes, Envelope{sender, std::move(message)});",
    ),
    Mutation(
        "frontier_is_the_greatest",
        "P1: an input's frontier is the maximum over its senders",
        "progress/input_frontier.cpp",
        "if (!sender.end && (!least || sender.frontier < *least)) least",
        "if (!sender.end && (!least || sender.frontier > *least)) least",
    ),
    Mutation(
        "slice_overtaken",
        "P1, P6: the frontier passes what is half done or waits",
        "operators/inner_step.cpp",
        "  return task ? std::min(least, task->epoch) : least;",
        "  return task ? least : least;",
    ),
    Mutation(
        "stop_is_an_end_of_data",
        "P2: a stop is told as an end of data",
        "operators/source.cpp",
        "    end(data::EndKind::kStopped);",
        "    end(data::EndKind::kEof);",
    ),
    Mutation(
        "mixed_end_is_an_end_of_data",
        "P2: one input at its end and one stopped make an end of data",
        "progress/input_frontier.cpp",
        "all.kind = data::EndKind::kStopped;",
        "all.kind = data::EndKind::kEof;",
    ),
    Mutation(
        "ends_in_the_first_epoch",
        "P2: a step ends in an epoch below that of its inputs",
        "progress/input_frontier.cpp",
        "    all.epoch = std::max(all.epoch, sender.end->epoch);",
        "    all.epoch = std::max(all.epoch, std::min(least_, sender.end->epoch));",
    ),
    Mutation(
        "credit_leaks",
        "P3: less comes back than was taken",
        "operators/inner_step.cpp",
        "  if (task.amount.items > 0) task.from->owe",
        "  if (task.amount.items > 1) task.from->owe",
    ),
    Mutation(
        "one_window",
        "P3: both epochs share one window",
        "worker/wiring.cpp",
        "  const bool two_windows = seat_.recovery;",
        "  const bool two_windows = false;",
    ),
    Mutation(
        "never_waits",
        "P4: a step works on what it has without credit below",
        "operators/outputs.cpp",
        "  return all_open;",
        "  return all_open || true;",
    ),
    Mutation(
        "greatest_epoch_first",
        "P4: items of e+1 stand before those of e",
        "operators/inner_step.cpp",
        "  for (auto& [epoch, queue] : tasks_) {\n"
        "    if (!queue.empty()) return &queue.front();\n"
        "  }",
        "  for (auto at = tasks_.rbegin(); at != tasks_.rend(); ++at) {\n"
        "    if (!at->second.empty()) return &at->second.front();\n"
        "  }",
    ),
    Mutation(
        "paused_does_not_close",
        "P5: a paused source keeps its epoch open",
        "operators/source.cpp",
        "  while (epoch_ < host_.opened()) {",
        "  while (epoch_ < host_.opened() && outputs_.open(epoch_)) {",
    ),
    Mutation(
        "position_of_the_next_epoch",
        "P7: the position is stored of an epoch that began after it",
        "operators/source.cpp",
        "    store_positions();\n    epoch_ = epoch_.next();",
        "    epoch_ = epoch_.next();\n    store_positions();",
    ),
    Mutation(
        "opens_at_any_time",
        "P7: the clock does not wait for e-1 to be durable",
        "progress/epoch_clock.cpp",
        "  return !stopped_ && worked_in && before_is_durable;",
        "  return !stopped_ && worked_in && (before_is_durable || true);",
    ),
    Mutation(
        "activity_untold",
        "P7: the clock knows only of the work of its own worker",
        "worker/worker.cpp",
        "    peers_.post(WorkerIndex(0), Control(channel::Active{epoch}));",
        "    static_cast<void>(epoch);",
    ),
    Mutation(
        "polls_twice_in_an_epoch",
        "P7: at interval 0 a source polls again before all is through",
        "operators/source.cpp",
        "(polled_in_ != epoch_ && host_.probe_passed(epoch_));",
        "polled_in_ != epoch_;",
    ),
    Mutation(
        "beginnings_wait_for_items",
        "P7: a part that starts now is no work of the first epoch",
        "operators/source.cpp",
        "    if (part.changed) host_.report_active(epoch_);",
        "",
    ),
    Mutation(
        "beginnings_wait_for_a_poll",
        "P7: the place of a part that starts now is stored once it was polled",
        "operators/source.cpp",
        "    added.changed = part.starts_now && outputs_.has_snapshots();",
        "    static_cast<void>(added);",
    ),
    Mutation(
        "beginnings_wait_for_the_interval",
        "P7: the first epoch lasts the interval, whatever starts now",
        "worker/worker.cpp",
        "  if (settings_.store && builder_.any_starts_now()) epoch_clock_->close_first_at_once();",
        "",
    ),
    Mutation(
        "nothing_held_back",
        "P8: steps with a state take early items",
        "operators/inner_step.cpp",
        "  return task && task->epoch > epoch_ && holds_back() ? nullptr : task;",
        "  return task && task->epoch > epoch_ && false ? nullptr : task;",
    ),
    Mutation(
        "state_of_the_next_epoch",
        "P8: states are stored of an epoch that began after them",
        "operators/inner_step.cpp",
        "    store_changes();\n    epoch_ = least;",
        "    epoch_ = least;\n    store_changes();",
    ),
    Mutation(
        "commits_early",
        "P9.1: an epoch is committed while it is still open somewhere",
        "operators/snapshot_writer.cpp",
        "    if (least ? *least <= epoch_ : epoch_ > end->epoch) return false;",
        "    if (least ? *least < epoch_ : epoch_ > end->epoch) return false;",
    ),
    Mutation(
        "sinks_are_not_asked",
        "P9.1: ends of the flow without a state have no snapshot stream",
        "graph/snapshot_streams.cpp",
        "      feeds_writer[channel.from.value()] = true;",
        "      feeds_writer[channel.from.value()] = feeds_writer[channel.from.value()];",
    ),
    Mutation(
        "reports_first",
        "P9.2: an epoch is called durable before it is",
        "operators/snapshot_writer.cpp",
        "  return all;",
        "  return all || true;",
    ),
    Mutation(
        "collects_too_much",
        "P9.3: what the next resume needs is removed",
        "operators/snapshot_writer.cpp",
        "recovery::epochs_before(Epoch(epoch.value() - 1), store_.backup_epochs,",
        "recovery::epochs_before(Epoch(epoch.value() - 0), store_.backup_epochs,",
    ),
    Mutation(
        "collects_in_the_jump",
        "P9.3: the numbers left out at a resume count as epochs",
        "recovery/resume.cpp",
        "    if (count <= in_it) return Epoch(from.value() - count);",
        "    return Epoch(from.value() - std::min(from.value(), count + 0 * in_it));",
    ),
    Mutation(
        "early_entries_join",
        "P11: entries of e+1 join the transaction of e",
        "operators/snapshot_writer.cpp",
        "  auto& waiting = waiting_[epoch_];",
        "  auto& waiting = waiting_.empty() ? waiting_[epoch_] : waiting_.rbegin()->second;",
    ),
    Mutation(
        "resumes_at_the_greatest",
        "P14: the resume epoch is the greatest durable one",
        "recovery/resume.cpp",
        "std::min_element(durable.begin(), durable.end())",
        "std::max_element(durable.begin(), durable.end())",
    ),
    Mutation(
        "unknown_executions_ignored",
        "P14: what lies beyond the cut of an execution counts on a partition it never reached",
        "recovery/resume.cpp",
        "      if (each.number > known) durable = std::min(durable, each.cut);",
        "      if (each.number > known && false) durable = std::min(durable, each.cut);",
    ),
    Mutation(
        "load_not_awaited",
        "P16: sources start when their own worker has loaded",
        "worker/worker.cpp",
        "  if (loaded_ < settings_.seat.worker_count) return false;",
        "",
    ),
    Mutation(
        "sink_parts_are_lazy",
        "P16: sink parts without a position wait for their first item",
        "worker/worker.cpp",
        "      if (steps_[i]) in_context(StepIndex(i), [&] { steps_[i]->resume(); });",
        "",
    ),
    Mutation(
        "committed_is_early",
        "P9: sinks are told of the epoch that is being committed",
        "worker/worker.cpp",
        "  durable_ = probe_->through();",
        "  durable_ = probe_->done() ? probe_->through() : probe_->epoch();",
    ),
    Mutation(
        "resume_does_not_tell_committed",
        "P9: a run that died before it told sinks of its last epoch has told them",
        "worker/worker.cpp",
        "    tell_committed(settings_.store->execution().cut);",
        "",
    ),
    Mutation(
        "loading_keeps_credit",
        "P16: what was loaded gives no credit back",
        "operators/snapshot_loader.cpp",
        "      input_.owe(envelope->sender, batch->epoch, batch->amount);",
        "",
    ),
    Mutation(
        "stop_does_not_commit",
        "P17: a stop leaves the position of the open epoch out",
        "operators/source.cpp",
        "void SourceStep::end(data::EndKind kind) {\n  store_positions();",
        "void SourceStep::end(data::EndKind kind) {\n"
        "  if (kind == data::EndKind::kEof) store_positions();",
    ),
    Mutation(
        "last_epoch_not_stored",
        "P2, P9: the states of the last epoch are left out",
        "operators/inner_step.cpp",
        "  store_changes();\n  outputs_.end(end);",
        "  outputs_.end(end);",
    ),
    Mutation(
        "acknowledges_first",
        "P18: the acknowledgement goes before the failure",
        "transport/ends.cpp",
        "  events_.tell_all(failure);\n  begin_round();",
        "  begin_round();\n  events_.tell_all(failure);",
    ),
    Mutation(
        "tells_after_acknowledging",
        "P18: a failure of its own is told after the acknowledgement",
        "transport/failure_round.cpp",
        "  if (begun()) return false;\n  failure.process = own_;",
        "  failure.process = own_;",
    ),
    Mutation(
        "waits_for_the_silent",
        "P18: acknowledgements are waited for without a limit",
        "transport/failure_round.hpp",
        "(awaited_.empty() || now >= *deadline_)",
        "awaited_.empty()",
    ),
    Mutation(
        "waits_for_nobody",
        "P18: a failure is shown before the others have told theirs",
        "transport/failure_round.hpp",
        "return begun() && (awaited_.empty() || now >= *deadline_);",
        "return begun() && now <= *deadline_;",
    ),
    Mutation(
        "shows_the_greatest",
        "P18: the greatest failure is shown first",
        "transport/failure_round.cpp",
        "      std::min_element(failures_.begin(), failures_.end(),",
        "      std::max_element(failures_.begin(), failures_.end(),",
    ),
    Mutation(
        "losses_are_as_good",
        "P18: a loss that follows a failure may be shown instead",
        "transport/failure_round.cpp",
        "std::make_tuple(failure.kind, failure.epoch,",
        "std::make_tuple(0, failure.epoch,",
    ),
    Mutation(
        "a_close_is_a_loss",
        "P18: a close after a failure is a failure of its own",
        "transport/ends.cpp",
        "  if (round_.begun()) return Leaving::Close::kLeft;",
        "",
    ),
    Mutation(
        "acknowledging_explains_nothing",
        "P18: who closes because of a failure that is unknown here is lost",
        "transport/leaving.hpp",
        "if (!working_.contains(peer) || failing_.contains(peer))",
        "if (!working_.contains(peer))",
    ),
    Mutation(
        "a_goodbye_is_a_loss",
        "P20: a close after Done is a loss",
        "transport/leaving.hpp",
        "if (!working_.contains(peer) || failing_.contains(peer))",
        "if (failing_.contains(peer))",
    ),
    Mutation(
        "a_loss_is_a_goodbye",
        "P20: a close without Done is none",
        "transport/leaving.hpp",
        "stopping_ ? Close::kAbandoned : Close::kLost",
        "stopping_ ? Close::kAbandoned : Close::kLeft",
    ),
    Mutation(
        "leaves_alone",
        "P20: a process ends well before the others are done",
        "transport/leaving.hpp",
        "bool over() const { return left_ && working_.empty(); }",
        "bool over() const { return left_; }",
    ),
)
