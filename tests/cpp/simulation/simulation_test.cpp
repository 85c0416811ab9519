// Whole clusters under seeded schedules (seeds.hpp).
#include "simulation/simulation.hpp"

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "simulation/recovery_simulation.hpp"
#include "simulation/seeds.hpp"
#include "simulation/twin_partition.hpp"

namespace cppwax::simulation {
namespace {

TEST(Simulation, AnyFlowUnderAnyScheduleGivesWhatItShould) {
  try_seeds<Simulation>();
}

TEST(Simulation, NothingIsLostOrDoubledOverCrashesStopsAndOtherNumbersOfWorkers) {
  try_seeds<RecoverySimulation>();
}

// Over the store that users have, on a disk in memory.
class SqliteSimulation : public RecoverySimulation {
 public:
  explicit SqliteSimulation(std::uint64_t seed)
      : RecoverySimulation(seed, [seed, opened = std::uint64_t{0}](auto& stored, auto most_waiting,
                                                                   auto notify) mutable {
          return std::make_unique<TwinPartition>(stored, most_waiting, std::move(notify),
                                                 1000 * seed + ++opened);
        }) {}
};

TEST(Simulation, TheStoreInSqliteIsAsGoodAsOneInMemory) {
  try_seeds<SqliteSimulation>();
}

// The seeds must reach what they are for: trivial flows would find nothing.
TEST(Simulation, TheSeedsReachAllKindsOfRuns) {
  std::map<std::string, int> runs;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const Simulation::Reached reached = Simulation(seed).run();
    runs["failed"] += reached.failed;
    runs["stopped"] += reached.stopped;
    runs["stopped with items in keyed steps"] += reached.stopped && reached.left_over > 0;
    runs["of ten epochs and more"] += reached.epochs >= 10;
    runs["between workers"] += reached.remote_channels > 0;
    runs["with joined batches"] += reached.joins > 0;
    runs["of many items"] += reached.written > 300;
  }
  EXPECT_GE(runs["failed"], 5);
  EXPECT_GE(runs["stopped"], 20);
  EXPECT_GE(runs["stopped with items in keyed steps"], 5);
  EXPECT_GE(runs["of ten epochs and more"], 30);
  EXPECT_GE(runs["between workers"], 60);
  EXPECT_GE(runs["with joined batches"], 3);
  EXPECT_GE(runs["of many items"], 30);
}

TEST(Simulation, TheSeedsReachAllThatRecoveryIsFor) {
  std::map<std::string, int> runs;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const RecoverySimulation::Reached reached = RecoverySimulation(seed).run();
    runs["crashed"] += reached.crashes > 0;
    runs["failed"] += reached.failures > 0;
    runs["stopped"] += reached.stops > 0;
    runs["began where things were"] += reached.beginnings > 0;
    runs["restored a copy"] += reached.restores > 0;
    runs["resumed from states"] += reached.resumes_of_states > 0;
    runs["of ten durable epochs and more"] += reached.durable >= 10;
    runs["of many items"] += reached.written > 150;
  }
  for (const auto& [what, count] : runs) EXPECT_GE(count, 40) << what;
}

}  // namespace
}  // namespace cppwax::simulation
