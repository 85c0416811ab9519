#include "engine/transport/admission.hpp"

#include <algorithm>

namespace cppwax::transport {

PendingSlots::Admission PendingSlots::admit(bool known) {
  Admission admission{next_++, std::nullopt};
  std::deque<Ticket>& own = known ? known_ : strangers_;
  // If all are taken, the others have at most `limit` - `reserved`, and so `own` is not empty.
  if (own.size() >= limit_ - reserved_ || size() >= limit_) {
    admission.dropped = own.front();
    own.pop_front();
  }
  own.push_back(admission.ticket);
  return admission;
}

void PendingSlots::release(Ticket ticket) {
  std::erase(known_, ticket);
  std::erase(strangers_, ticket);
}

}  // namespace cppwax::transport
