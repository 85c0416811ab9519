#include "engine/transport/admission.hpp"

#include <algorithm>

namespace cppwax::transport {

PendingSlots::Admission PendingSlots::admit(bool known) {
  Admission admission{next_++, std::nullopt};
  const bool full = size() >= limit_ || (!known && strangers_.size() >= limit_ - reserved_);
  if (full) {
    if (strangers_.empty() && !known) {
      admission.dropped = admission.ticket;
      return admission;
    }
    std::deque<Ticket>& from = strangers_.empty() ? known_ : strangers_;
    admission.dropped = from.front();
    from.pop_front();
  }
  (known ? known_ : strangers_).push_back(admission.ticket);
  return admission;
}

void PendingSlots::release(Ticket ticket) {
  std::erase(known_, ticket);
  std::erase(strangers_, ticket);
}

}  // namespace cppwax::transport
