#include "engine/channel/mailbox.hpp"

#include <utility>

namespace cppwax::channel {

// `filled_` changes under the queue's lock only, so that it says "not empty" exactly whenever the
// lock is free. Read without the lock it is a hint, and a stale "empty" is no loss: the post that
// it missed notifies after setting it, and that ends the wait which the owner goes into; what the
// notifier wrote before is visible then (wakeup.cpp).
void Mailbox::post(Delivery delivery) {
  queue_.with([&](std::deque<Delivery>& queue) {
    queue.push_back(std::move(delivery));
    filled_.store(true, std::memory_order_release);
  });
  wakeup_.notify();
}

std::deque<Delivery> Mailbox::take_all() {
  if (!filled_.load(std::memory_order_acquire)) return {};
  return queue_.with([&](std::deque<Delivery>& queue) {
    filled_.store(false, std::memory_order_release);
    return std::exchange(queue, {});
  });
}

void Mailbox::wait(std::optional<SteadyTime> deadline, const Clock& clock) {
  if (filled_.load(std::memory_order_acquire)) return;
  if (!deadline) return wakeup_.sleep(std::nullopt);
  const Duration left = *deadline - clock.steady();
  if (left > Duration::zero()) wakeup_.sleep(left);
}

void Mailbox::wake() {
  wakeup_.notify();
}

}  // namespace cppwax::channel
