#include "engine/transport/ends.hpp"

#include <utility>

namespace cppwax::transport {

// The failure goes before the acknowledgement: who has all of these has all failures.
void Ends::fail(Failure failure, SteadyTime now) {
  failure.process = own_;
  if (!round_.report(failure, now)) return;
  events_.tell_all(failure);
  begin_round();
}

void Ends::on_failure(Failure failure, SteadyTime now) {
  if (!round_.on_failure(failure, now)) return;
  events_.on_first_failure(failure);
  begin_round();
}

void Ends::begin_round() {
  events_.tell_all(FailureAck{});
  events_.on_round(round_.deadline());
}

void Ends::leave() {
  leaving_.leave();
  events_.tell_all(Done{});
}

Leaving::Close Ends::on_closed(ProcessIndex peer) {
  round_.on_closed(peer);
  if (round_.begun()) return Leaving::Close::kLeft;
  const Leaving::Close close = leaving_.on_closed(peer);
  facts_.lost = facts_.lost || close == Leaving::Close::kLost;
  facts_.abandoned = facts_.abandoned || close == Leaving::Close::kAbandoned;
  return close;
}

const Ends::Facts& Ends::update(SteadyTime now) {
  facts_.failed = round_.begun();
  if (!facts_.settled && round_.settled(now)) {
    facts_.settled = true;
    facts_.outcome = round_.outcome();
  }
  facts_.over = leaving_.over();
  return facts_;
}

std::optional<LeaveEnd> Ends::leave_end(const Facts& facts) {
  if (facts.failed) return LeaveEnd::kFailed;
  if (facts.lost) return LeaveEnd::kLost;
  if (facts.over) return LeaveEnd::kDone;
  if (facts.abandoned) return LeaveEnd::kAbandoned;
  return std::nullopt;
}

}  // namespace cppwax::transport
