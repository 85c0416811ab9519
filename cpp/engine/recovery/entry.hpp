// What a snapshot consists of: the state of one key of one step as of an epoch, in bytes. For the
// recovery of source and sink partitions the key is the partition's name.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/data/payload.hpp"

namespace cppwax::recovery {

struct Entry {
  std::string key;
  // nullopt: the key was discarded, which hides what older epochs say of it (P10).
  std::optional<std::string> state;

  bool operator==(const Entry&) const = default;
};

using Entries = std::vector<Entry>;

// Entries of one step on their way between it and the recovery partitions, in either direction.
// Holds bytes alone, so it may die on any thread.
class StepEntries final : public data::Payload {
 public:
  StepEntries(StepId step, Entries entries)
      : step_(std::move(step)), entries_(std::move(entries)) {}

  const StepId& step() const { return step_; }
  const Entries& entries() const { return entries_; }
  Entries take() { return std::exchange(entries_, {}); }

  std::size_t size() const override { return entries_.size(); }
  std::size_t bytes_estimate() const override;
  data::PayloadPtr share() const override;
  data::PayloadPtr take_front(std::size_t count) override;
  // REQUIRES: entries of the same step.
  void append(data::PayloadPtr other) override;
  std::size_t part_count() const override { return entries_.empty() ? 0 : 1; }
  data::PayloadPtr take_part() override { return take_front(entries_.size()); }

 private:
  StepId step_;
  Entries entries_;
};

// REQUIRES: the payload is one of entries: nothing else travels on snapshot and load streams.
StepEntries& entries_in(data::Payload& payload);

// The recovery partition that stores a key of a step. Never change it: it is a storage format.
RecoveryPartitionIndex partition_of(const StepId& step, const std::string& key,
                                    std::size_t partition_count);

}  // namespace cppwax::recovery
