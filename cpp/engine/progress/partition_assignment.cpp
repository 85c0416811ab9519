#include "engine/progress/partition_assignment.hpp"

#include <algorithm>
#include <set>

namespace cppwax::progress {

Assignment assign_partitions(const std::vector<std::vector<std::string>>& listed) {
  std::map<std::string, std::set<WorkerIndex>> listed_by;
  for (std::size_t worker = 0; worker < listed.size(); ++worker) {
    for (const std::string& name : listed[worker]) {
      listed_by[name].insert(WorkerIndex(static_cast<std::uint32_t>(worker)));
    }
  }

  std::vector<std::size_t> load(listed.size(), 0);
  Assignment assignment;
  for (const auto& [name, workers] : listed_by) {
    // The set is in order of the indices, and min_element gives the first of equals.
    const WorkerIndex owner = *std::min_element(
        workers.begin(), workers.end(),
        [&](WorkerIndex a, WorkerIndex b) { return load[a.value()] < load[b.value()]; });
    ++load[owner.value()];
    assignment.emplace_hint(assignment.end(), name, owner);
  }
  return assignment;
}

}  // namespace cppwax::progress
