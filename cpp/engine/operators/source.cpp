#include "engine/operators/source.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace cppwax::operators {

namespace {

// After an empty poll of a part that names no time itself.
constexpr Duration kFirstPause = std::chrono::milliseconds(1);
constexpr Duration kLongestPause = std::chrono::milliseconds(20);

}  // namespace

SourceStep::SourceStep(std::vector<std::unique_ptr<SourcePart>> parts, Outputs outputs,
                       StepHost& host, Epoch first)
    : outputs_(std::move(outputs)), host_(host), epoch_(first), open_parts_(parts.size()) {
  for (auto& source : parts) parts_.push_back(Part{std::move(source), WallTime{}});
}

void SourceStep::open() {
  for (Part& part : parts_) schedule(part, false);
}

Activity SourceStep::activate() {
  open_epochs();
  if (host_.stopping()) {
    end(data::EndKind::kStopped);
  } else if (open_parts_ == 0) {
    end(data::EndKind::kEof);
  } else if (may_poll()) {
    const bool again = poll_due_parts();
    if (open_parts_ == 0) end(data::EndKind::kEof);
    if (again && !done_) return Activity::kAgain;
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

// Returns whether the run goes on.
bool SourceStep::poll(Part& part) {
  polled_in_ = epoch_;
  Polled polled = part.source->next_batch();
  if (polled.kind == Polled::Kind::kAbort) {
    host_.abort();
    return false;
  }
  // With an epoch for each round, a poll that brings nothing, or the end, is work of its epoch too:
  // else the epoch would never close, and the other parts would not be polled again.
  const bool empty = !polled.items || polled.items->size() == 0;
  if (!empty || host_.epoch_each_poll()) host_.report_active(epoch_);
  if (polled.kind == Polled::Kind::kEof) {
    close_part(part);
  } else {
    outputs_.send(0, epoch_, std::move(polled.items));
    schedule(part, empty);
  }
  return true;
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

void SourceStep::close_part(Part& part) {
  part.ended = true;
  --open_parts_;
  part.source->close();
}

void SourceStep::end(data::EndKind kind) {
  outputs_.end({kind, epoch_});
  done_ = true;
}

// All parts are closed, also when one of them fails to.
void SourceStep::close() {
  std::exception_ptr failure;
  for (Part& part : parts_) {
    try {
      if (!part.ended) close_part(part);
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace cppwax::operators
