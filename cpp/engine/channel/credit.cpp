#include "engine/channel/credit.hpp"

#include <algorithm>

#include "engine/base/error.hpp"

namespace cppwax::channel {

CreditWindows::CreditWindows(Amount size, bool two) : size_(size), two_(two), left_{size, size} {
  ENGINE_ASSERT(size.items > 0 && size.bytes > 0, size.items, size.bytes);
}

bool CreditWindows::open(Epoch epoch) const {
  const Amount& left = left_[slot(epoch)];
  return left.items > 0 && left.bytes > 0;
}

std::int64_t CreditWindows::room(Epoch epoch) const {
  return open(epoch) ? left_[slot(epoch)].items : 0;
}

// Also without credit: what closing an epoch or `on_eof` emits waits for nothing (P4).
void CreditWindows::spend(Epoch epoch, Amount amount) {
  ENGINE_ASSERT(amount.items >= 0 && amount.bytes >= 0, amount.items, amount.bytes);
  Amount& left = left_[slot(epoch)];
  left.items -= amount.items;
  left.bytes -= amount.bytes;
}

void CreditWindows::restore(Epoch epoch, Amount amount) {
  ENGINE_ASSERT(amount.items >= 0 && amount.bytes >= 0, amount.items, amount.bytes);
  Amount& left = left_[slot(epoch)];
  const Amount spent{size_.items - left.items, size_.bytes - left.bytes};
  ENGINE_ASSERT(amount.items <= spent.items && amount.bytes <= spent.bytes, epoch, amount.items,
                spent.items, amount.bytes, spent.bytes);
  left += amount;
}

}  // namespace cppwax::channel
