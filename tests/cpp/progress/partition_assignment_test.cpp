#include "engine/progress/partition_assignment.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <set>

namespace cppwax::progress {
namespace {

using Listed = std::vector<std::vector<std::string>>;
using testing::IsEmpty;

WorkerIndex w(std::uint32_t index) {
  return WorkerIndex(index);
}

std::vector<std::size_t> loads(const Assignment& assignment, std::size_t workers) {
  std::vector<std::size_t> load(workers, 0);
  for (const auto& [name, owner] : assignment) ++load[owner.value()];
  return load;
}

TEST(AssignPartitions, SpreadsNamesInTheirOrder) {
  const std::vector<std::string> all{"a", "b", "c", "d", "e"};
  EXPECT_EQ(assign_partitions({all, all}),
            (Assignment{{"a", w(0)}, {"b", w(1)}, {"c", w(0)}, {"d", w(1)}, {"e", w(0)}}));
}

TEST(AssignPartitions, GivesAPartitionOnlyToAWorkerThatListsIt) {
  EXPECT_EQ(assign_partitions({{"a", "b", "c"}, {"d"}, {"c", "b"}}),
            (Assignment{{"a", w(0)}, {"b", w(2)}, {"c", w(0)}, {"d", w(1)}}));
}

TEST(AssignPartitions, CollapsesDuplicates) {
  EXPECT_EQ(assign_partitions({{"a", "a", "b"}, {"b", "a"}}),
            (Assignment{{"a", w(0)}, {"b", w(1)}}));
}

TEST(AssignPartitions, NothingListedIsNothingAssigned) {
  EXPECT_THAT(assign_partitions({{}, {}, {}}), IsEmpty());
  EXPECT_THAT(assign_partitions({}), IsEmpty());
}

class AssignPartitionsAtRandom : public testing::TestWithParam<unsigned> {
 protected:
  unsigned upto(unsigned greatest) { return static_cast<unsigned>(random_() % (greatest + 1)); }

  std::vector<std::string> names(unsigned count) {
    std::vector<std::string> names;
    for (unsigned i = 0; i < count; ++i) names.push_back("part-" + std::to_string(i));
    return names;
  }

  std::mt19937 random_{GetParam()};
};

TEST_P(AssignPartitionsAtRandom, IsEvenWhereAllListAll) {
  const std::size_t workers = 1 + upto(8);
  const auto assignment = assign_partitions(Listed(workers, names(upto(40))));
  const auto load = loads(assignment, workers);
  const auto [least, most] = std::minmax_element(load.begin(), load.end());
  EXPECT_LE(*most - *least, 1u);
}

TEST_P(AssignPartitionsAtRandom, GivesEachPartitionToOneOfItsWorkers) {
  Listed listed(1 + upto(5));
  std::set<std::string> somewhere;
  for (auto& list : listed) {
    for (const std::string& name : names(20)) {
      if (upto(2) > 0) continue;
      list.push_back(name);
      somewhere.insert(name);
    }
  }
  const auto assignment = assign_partitions(listed);
  EXPECT_EQ(assignment.size(), somewhere.size());
  for (const auto& [name, owner] : assignment) {
    EXPECT_THAT(listed[owner.value()], testing::Contains(name));
  }
}

TEST_P(AssignPartitionsAtRandom, DependsOnWhatIsListedAlone) {
  Listed listed(1 + upto(5));
  for (auto& list : listed) {
    for (const std::string& name : names(20)) {
      if (upto(2) > 0) list.push_back(name);
    }
  }
  Listed other_order = listed;
  for (auto& list : other_order) {
    if (!list.empty()) list.push_back(list.front());
    std::shuffle(list.begin(), list.end(), random_);
  }
  EXPECT_EQ(assign_partitions(listed), assign_partitions(other_order));
}

INSTANTIATE_TEST_SUITE_P(Seeds, AssignPartitionsAtRandom, testing::Range(0u, 20u));

}  // namespace
}  // namespace cppwax::progress
