// Which worker owns which source or sink partition: pure, so that every worker computes the same
// from the same lists.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base/ids.hpp"

namespace cppwax::progress {

// Partition name -> owning worker, in order of the names.
using Assignment = std::map<std::string, WorkerIndex>;

// `listed[w]` are the names that worker w lists (duplicates collapse). Each partition goes to one
// of the workers that list it; partitions are taken in order of their names and spread evenly:
// each goes to the least loaded of its workers, the first of equals.
Assignment assign_partitions(const std::vector<std::vector<std::string>>& listed);

}  // namespace cppwax::progress
