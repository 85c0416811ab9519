#include "engine/operators/source.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "engine/base/first_failure.hpp"

namespace cppwax::operators {

namespace {

// After an empty poll of a part that names no time itself.
constexpr Duration kFirstPause = std::chrono::milliseconds(1);
constexpr Duration kLongestPause = std::chrono::milliseconds(20);

// Batches are joined while polls are quick, up to so many items, bytes and so much time in all. Not
// before some polls in a row were quick: a source that waits inside `next_batch` would else hold
// the item before.
constexpr Duration kQuickPoll = std::chrono::microseconds(50);
constexpr std::size_t kQuickBefore = 16;
constexpr Duration kJoinFor = std::chrono::milliseconds(1);
constexpr std::size_t kJoinItems = 1000;
constexpr std::size_t kJoinBytes = 256 * 1024;

bool is_empty(const Polled& polled) {
  return !polled.items || polled.items->size() == 0;
}

}  // namespace

SourceStep::SourceStep(StepId id, std::vector<Named> parts, Outputs outputs, StepHost& host,
                       Epoch first)
    : id_(std::move(id)),
      outputs_(std::move(outputs)),
      host_(host),
      epoch_(first),
      open_parts_(parts.size()) {
  for (Named& part : parts) {
    Part& added =
        parts_.emplace_back(Part{std::move(part.name), std::move(part.source), WallTime{}});
    added.changed = part.starts_now && outputs_.has_snapshots();
  }
}

void SourceStep::open() {
  for (Part& part : parts_) {
    schedule(part, false);
    // Where it begins is to be known to the next run, though nothing may come for a long time.
    if (part.changed) host_.report_active(epoch_);
  }
}

Activity SourceStep::activate() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  open_epochs();
  if (host_.stopping()) {
    end(data::EndKind::kStopped);
  } else if (open_parts_ == 0) {
    end(data::EndKind::kEof);
  } else if (may_poll()) {
    const bool again = poll_due_parts();
    if (open_parts_ == 0) end(data::EndKind::kEof);
    if ((again || failure_) && !done_) return Activity::kAgain;
  }
  return Activity::kWaits;
}

// With an epoch for each round of polls, another source's poll may have opened the next epoch
// before this one had its turn. It may still poll: e+1 opens only when all before e is through
// (P7).
void SourceStep::open_epochs() {
  const bool behind = epoch_ < host_.opened() && !host_.stopping();
  if (behind && host_.epoch_each_poll() && polled_in_ != epoch_ && outputs_.open(epoch_)) {
    poll_due_parts();
  }
  while (epoch_ < host_.opened()) {
    store_positions();
    epoch_ = epoch_.next();
    outputs_.advance(epoch_);
  }
}

bool SourceStep::may_poll() const {
  if (!outputs_.open(epoch_)) return false;
  return !host_.epoch_each_poll() || (polled_in_ != epoch_ && host_.probe_passed(epoch_));
}

// One round: each part whose time has come, once. Returns whether some part may be polled at once.
bool SourceStep::poll_due_parts() {
  const WallTime now = host_.clock().wall();
  for (; next_part_ < parts_.size(); ++next_part_) {
    if (!outputs_.open(epoch_)) return false;
    Part& part = parts_[next_part_];
    if (!part.ended && part.awake <= now && !poll(part)) return false;
  }
  next_part_ = 0;
  return std::any_of(parts_.begin(), parts_.end(),
                     [&](const Part& part) { return !part.ended && part.awake <= now; });
}

// Returns whether the round goes on: not after an abort or a failure.
bool SourceStep::poll(Part& part) {
  polled_in_ = epoch_;
  part.changed = true;
  Polled polled = poll_timed(part);
  if (polled.kind == Polled::Kind::kAbort) {
    host_.abort();
    return false;
  }
  // With an epoch for each round, a poll that brings nothing, or the end, is work of its epoch too:
  // else the epoch would never close, and the other parts would not be polled again.
  if (!is_empty(polled) || host_.epoch_each_poll()) host_.report_active(epoch_);
  outputs_.send(0, epoch_, std::move(polled.items));
  if (polled.kind == Polled::Kind::kEof) {
    if (outputs_.has_snapshots() && !part.name.empty())
      part.last_position = part.source->snapshot();
    close_part(part);
  }
  return !failure_;
}

Polled SourceStep::poll_timed(Part& part) {
  const Timed time(outputs_.meter(), host_.clock(), Timed::As::kCalls);
  const bool join = host_.may_join() && open_parts_ == 1;
  return join ? poll_joining(part) : poll_once(part);
}

// What a poll gave goes on before a failure that follows it comes out.
Polled SourceStep::poll_once(Part& part) {
  Polled polled = part.source->next_batch();
  if (polled.kind != Polled::Kind::kItems) return polled;
  try {
    schedule(part, is_empty(polled));
  } catch (...) {
    failure_ = std::current_exception();
  }
  return polled;
}

// Several polls as one, where nobody can see it. An end or a failure comes out after what was
// polled before it; an abort drops that.
Polled SourceStep::poll_joining(Part& part) {
  const SteadyTime began = host_.clock().steady();
  Polled joined = poll_once(part);
  SteadyTime last = note_poll(part, began);
  std::size_t bytes = is_empty(joined) ? 0 : joined.items->bytes_estimate();
  while (may_go_on(part, joined) && bytes < kJoinBytes && last - began < kJoinFor) {
    Polled next;
    try {
      next = poll_once(part);
    } catch (...) {
      failure_ = std::current_exception();
      break;
    }
    last = note_poll(part, last);
    if (next.kind == Polled::Kind::kAbort) return next;
    joined.kind = next.kind;
    if (is_empty(next)) break;
    bytes += next.items->bytes_estimate();
    joined.items->append(std::move(next.items));
  }
  return joined;
}

// Whether another poll may be joined to what is held.
bool SourceStep::may_go_on(const Part& part, const Polled& held) const {
  if (held.kind != Polled::Kind::kItems || is_empty(held) || failure_) return false;
  // What is held counts as sent: nothing more is asked for without credit (P4).
  const auto room = static_cast<std::size_t>(outputs_.room(epoch_));
  const std::size_t most = std::min(kJoinItems, room);
  if (part.quick_polls < kQuickBefore || held.items->size() >= most) return false;
  return part.awake == WallTime{} || part.awake <= host_.clock().wall();
}

// Returns the present time.
SteadyTime SourceStep::note_poll(Part& part, SteadyTime began) const {
  const SteadyTime now = host_.clock().steady();
  part.quick_polls = now - began < kQuickPoll ? part.quick_polls + 1 : 0;
  return now;
}

void SourceStep::schedule(Part& part, bool empty) {
  const auto awake = part.source->next_awake();
  part.pause =
      empty && !awake ? std::clamp(part.pause * 2, kFirstPause, kLongestPause) : Duration(0);
  if (awake) {
    part.awake = *awake;
  } else {
    part.awake = empty ? host_.clock().wall() + part.pause : WallTime{};
  }
}

std::optional<WallTime> SourceStep::next_wake() const {
  if (done_ || !may_poll()) return std::nullopt;
  std::optional<WallTime> first;
  for (const Part& part : parts_) {
    if (!part.ended && (!first || part.awake < *first)) first = part.awake;
  }
  return first;
}

// What `next_batch` has returned is sent on by then (P7).
void SourceStep::store_positions() {
  if (!outputs_.has_snapshots()) return;
  const Timed time(outputs_.meter(), host_.clock(), Timed::As::kSnapshot);
  recovery::Entries entries;
  for (Part& part : parts_) {
    if (part.name.empty() || !std::exchange(part.changed, false)) continue;
    entries.push_back({part.name, part.ended ? part.last_position : part.source->snapshot()});
  }
  outputs_.store(epoch_, id_, std::move(entries));
}

void SourceStep::close_part(Part& part) {
  part.ended = true;
  --open_parts_;
  part.source->close();
}

void SourceStep::end(data::EndKind kind) {
  store_positions();
  outputs_.end({kind, epoch_});
  done_ = true;
}

// All parts are closed, also when one of them fails to.
void SourceStep::close() {
  FirstFailure first;
  for (Part& part : parts_) {
    if (!part.ended) first.attempt([&] { close_part(part); });
  }
  first.rethrow();
}

}  // namespace cppwax::operators
