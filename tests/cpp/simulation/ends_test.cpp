// How clusters of several processes end, under seeded schedules (seeds.hpp).
#include <gmock/gmock.h>

#include <map>
#include <string>

#include "simulation/ends_simulation.hpp"
#include "simulation/seeds.hpp"

namespace cppwax::simulation {
namespace {

TEST(Simulation, AllProcessesEndInTimeAndSayWhatIsRight) {
  try_seeds<EndsSimulation>();
}

// The seeds must reach what they are for.
TEST(Simulation, TheSeedsReachAllKindsOfEnds) {
  std::map<std::string, int> runs;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    EndsSimulation::Reached reached = EndsSimulation(seed).run();
    runs["done"] += reached.ends[ProcessEnd::kDone] > 0;
    runs["failed"] += reached.ends[ProcessEnd::kFailed] > 0;
    runs["aborted"] += reached.ends[ProcessEnd::kAborted] > 0;
    runs["lost"] += reached.ends[ProcessEnd::kLost] > 0;
    runs["abandoned"] += reached.ends[ProcessEnd::kAbandoned] > 0;
    runs["killed"] += reached.ends[ProcessEnd::kKilled] > 0;
    runs["failed on several"] += reached.failed > 1;
    runs["killed in a round"] += reached.killed_in_round;
    runs["killed after Done"] += reached.killed_after_done;
    runs["done, though one was killed"] += reached.done_though_killed;
    runs["frozen in a round"] += reached.frozen_in_round;
    runs["cut"] += reached.cut;
  }
  for (const auto& [what, count] : runs) EXPECT_GE(count, 4) << what;
  EXPECT_GE(runs["done"], 50);
  EXPECT_GE(runs["failed"], 50);
  EXPECT_GE(runs["lost"], 30);
}

}  // namespace
}  // namespace cppwax::simulation
