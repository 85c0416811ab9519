#include "engine/operators/epoch_buffer.hpp"

#include <utility>

#include "engine/base/error.hpp"

namespace cppwax::operators {

void EpochBuffer::hold(HeldBatch batch) {
  ENGINE_ASSERT(!released_ || batch.epoch > *released_, batch.epoch, *released_);
  held_[batch.epoch].push_back(std::move(batch));
}

std::vector<HeldBatch> EpochBuffer::release(Epoch epoch) {
  ENGINE_ASSERT(held_.empty() || held_.begin()->first >= epoch, epoch, held_.begin()->first);
  ENGINE_ASSERT(!released_ || epoch >= *released_, epoch, *released_);
  released_ = epoch;
  auto node = held_.extract(epoch);
  return node ? std::move(node.mapped()) : std::vector<HeldBatch>();
}

std::optional<Epoch> EpochBuffer::least() const {
  if (held_.empty()) return std::nullopt;
  return held_.begin()->first;
}

}  // namespace cppwax::operators
