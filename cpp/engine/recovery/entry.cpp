#include "engine/recovery/entry.hpp"

#include <iterator>

#include "engine/base/error.hpp"
#include "engine/base/stable_hash.hpp"

namespace cppwax::recovery {

std::size_t StepEntries::bytes_estimate() const {
  std::size_t bytes = 0;
  for (const Entry& entry : entries_) {
    bytes += sizeof(Entry) + entry.key.size() + (entry.state ? entry.state->size() : 0);
  }
  return bytes;
}

data::PayloadPtr StepEntries::share() const {
  return std::make_unique<StepEntries>(step_, entries_);
}

data::PayloadPtr StepEntries::take_front(std::size_t count) {
  ENGINE_ASSERT(count <= entries_.size(), count, entries_.size());
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(count);
  Entries front(std::make_move_iterator(entries_.begin()), std::make_move_iterator(end));
  entries_.erase(entries_.begin(), end);
  return std::make_unique<StepEntries>(step_, std::move(front));
}

void StepEntries::append(data::PayloadPtr other) {
  StepEntries& more = entries_in(*other);
  ENGINE_ASSERT(more.step_ == step_, more.step_, step_);
  entries_.insert(entries_.end(), std::make_move_iterator(more.entries_.begin()),
                  std::make_move_iterator(more.entries_.end()));
  more.entries_.clear();
}

StepEntries& entries_in(data::Payload& payload) {
  auto* entries = dynamic_cast<StepEntries*>(&payload);
  ENGINE_ASSERT(entries != nullptr);
  return *entries;
}

RecoveryPartitionIndex partition_of(const StepId& step, const std::string& key,
                                    std::size_t partition_count) {
  ENGINE_ASSERT(partition_count > 0);
  if (partition_count == 1) return RecoveryPartitionIndex(0);
  // Step ids have no NUL, so that no two pairs make the same bytes.
  const std::uint64_t hash = stable_hash(step + '\0' + key);
  return RecoveryPartitionIndex(static_cast<std::uint32_t>(hash % partition_count));
}

}  // namespace cppwax::recovery
