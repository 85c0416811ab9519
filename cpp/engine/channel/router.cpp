#include "engine/channel/router.hpp"

#include <utility>

#include "engine/base/error.hpp"

namespace cppwax::channel {

namespace {

// Below this many items a slice a worker costs more in messages than the even spread gains.
constexpr std::size_t kLeastItemsToCut = 64;

}  // namespace

BalancedRouter::BalancedRouter(std::uint32_t worker_count, WorkerIndex start)
    : worker_count_(worker_count), next_(start.value()) {
  ENGINE_ASSERT(start.value() < worker_count, start, worker_count);
}

void BalancedRouter::split(data::PayloadPtr batch, std::vector<data::PayloadPtr>& parts) {
  ENGINE_ASSERT(parts.size() == worker_count_, parts.size(), worker_count_);
  const std::size_t size = batch->size();
  if (size < kLeastItemsToCut || worker_count_ == 1) {
    parts[next_] = std::move(batch);
    next_ = (next_ + 1) % worker_count_;
    return;
  }
  // The workers that get one item more are the next in turn, so that remainders are spread too.
  const std::size_t slice = size / worker_count_;
  const auto remainder = static_cast<std::uint32_t>(size % worker_count_);
  for (std::uint32_t worker = 0; worker < worker_count_; ++worker) {
    const std::uint32_t place = (worker + worker_count_ - next_) % worker_count_;
    const std::size_t count = slice + (place < remainder ? 1 : 0);
    if (count > 0) parts[worker] = batch->take_front(count);
  }
  next_ = (next_ + remainder) % worker_count_;
}

}  // namespace cppwax::channel
