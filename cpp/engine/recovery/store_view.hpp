// A recovery store that is looked at, or tidied, while no run is on: what it says of itself, and
// what a resume would load. Looking changes no byte of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/recovery/merged_segments.hpp"
#include "engine/recovery/resume.hpp"
#include "engine/recovery/store_folder.hpp"

namespace cppwax::recovery {

// What the store holds of one step, as of the epoch that a resume goes on from.
struct StoredStep {
  std::int64_t keys = 0;
  std::int64_t state_bytes = 0;
  // In all of its segments: also what newer entries have replaced, and discards.
  std::int64_t entries = 0;
  Epoch oldest{};  // in which a state was stored that is live; a merge makes them younger
  Epoch newest{};
};

// A partition that is claimed, checked and open for reading.
class PartitionView;

// Has all partitions for itself from the beginning to the end of its life, so that no run can start
// meanwhile; those that this user cannot write to are read as they lie. Used by one thread at a
// time. Errors of all: StoreError.
class StoreView {
 public:
  // `folders`: where partitions of the store lie; a partition may be seen in several of them.
  explicit StoreView(const std::vector<std::string>& folders);
  ~StoreView();
  StoreView(const StoreView&) = delete;
  StoreView& operator=(const StoreView&) = delete;

  struct Partition {
    std::string path;
    std::int64_t bytes = 0;  // of the file and its log
    History history;
  };
  std::vector<Partition> partitions() const;
  // Empty: no run has begun yet.
  const std::string& flow_id() const;
  const Resume& resume() const { return resume_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

  // By step id; those of which nothing is live have no keys.
  std::map<StepId, StoredStep> steps();
  // Tells every live state, of one step after the other within a partition; or those of one step.
  // The bytes live until the call returns.
  using Take = std::function<void(const StepId& step, const EntryView& entry, Epoch epoch)>;
  void each_state(const Take& take, const std::optional<StepId>& of_step = std::nullopt);

  struct State {
    Epoch epoch{};
    std::string bytes;

    bool operator==(const State&) const = default;
  };
  std::optional<State> find(const StepId& step, const std::string& key);

 private:
  std::vector<std::unique_ptr<PartitionView>> partitions_;
  std::vector<std::string> warnings_;
  Resume resume_;
};

// Removes for good what the store holds of a step, or of one key of it. Repeat it after a crash.
void drop_states(const std::vector<std::string>& folders, const StepId& step,
                 const std::optional<std::string>& key);

}  // namespace cppwax::recovery
