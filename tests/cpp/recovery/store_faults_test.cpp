// Each operation on the disk fails once, and the power is cut before each: afterwards the store has
// exactly an epoch that it may have.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/store_scenario.hpp"

namespace cppwax::recovery {
namespace {

using test::MemoryDisk;

struct FaultCase {
  MemoryDisk::Fault fault;
  bool for_ever;
  unsigned percent_surviving;  // of what was not synced when the power was cut
};

// A short run over a store that has seen one before: spills, commits, collects, merges, closes.
void run_once(test::StoreScenario& scenario, test::SteppedStand& stand) {
  scenario.resume(stand);
  scenario.run_epochs(stand, 10);
  scenario.close(stand);
}

// When all is safe in the file, and only the log cannot be removed, SQLite does not tell why.
auto tells_of_a_full_disk() {
  return testing::AnyOf(testing::HasSubstr("no space left"),
                        testing::HasSubstr("cannot be removed"));
}

// Returns whether the operation came at all.
bool fails_at(std::size_t operation, const FaultCase& what, std::uint64_t seed) {
  test::SteppedStand stand;
  test::StoreScenario scenario(seed);
  run_once(scenario, stand);
  std::mt19937_64 random(operation);
  stand.disk().fail_at(operation, what.fault, what.for_ever);
  bool told = false;
  try {
    run_once(scenario, stand);
  } catch (const StoreError& error) {
    told = true;
    EXPECT_THAT(error.what(), testing::HasSubstr("part-0.sqlite3"));
    if (what.fault == MemoryDisk::Fault::kFull) {
      EXPECT_THAT(error.what(), tells_of_a_full_disk());
    }
  }
  const bool came = stand.disk().has_failed();
  EXPECT_TRUE(came || !told);
  if (what.fault == MemoryDisk::Fault::kPowerCut) {
    stand.disk().restart([&] { return random() % 100 < what.percent_surviving; });
  }
  stand.disk().heal();
  // What was there is there, and all goes on.
  run_once(scenario, stand);
  run_once(scenario, stand);
  return came;
}

class StoreFaultTest : public testing::TestWithParam<FaultCase> {};

TEST_P(StoreFaultTest, LosesNothingAtAnyOperation) {
  for (const std::uint64_t seed : {1u, 2u}) {
    std::size_t operation = 0;
    while (fails_at(operation, GetParam(), seed) && !HasFailure()) ++operation;
    EXPECT_GT(operation, 100u) << "the run has so many operations";
    ASSERT_FALSE(HasFailure()) << "seed " << seed << ", operation " << operation;
  }
}

std::string name_of(const testing::TestParamInfo<FaultCase>& one) {
  const std::vector<std::string> kinds{"InputOutput", "Full", "PowerCut"};
  return kinds[static_cast<std::size_t>(one.param.fault)] +
         (one.param.for_ever ? "ForEver" : "Once") + std::to_string(one.param.percent_surviving);
}

INSTANTIATE_TEST_SUITE_P(All, StoreFaultTest,
                         testing::Values(FaultCase{MemoryDisk::Fault::kInputOutput, false, 0},
                                         FaultCase{MemoryDisk::Fault::kInputOutput, true, 0},
                                         FaultCase{MemoryDisk::Fault::kFull, false, 0},
                                         FaultCase{MemoryDisk::Fault::kFull, true, 0},
                                         FaultCase{MemoryDisk::Fault::kPowerCut, true, 0},
                                         FaultCase{MemoryDisk::Fault::kPowerCut, true, 50},
                                         FaultCase{MemoryDisk::Fault::kPowerCut, true, 100}),
                         name_of);

// --- syncs that fail --------------------------------------------------------------------------

// One sync of a run has failed; the next run lasts to its end, or to a power cut. Returns whether
// that sync came at all.
bool forgets_sync(std::size_t sync, std::optional<std::size_t> cut_at) {
  test::SteppedStand stand;
  test::StoreScenario scenario(sync + 1);
  run_once(scenario, stand);
  stand.disk().fail_at(sync, MemoryDisk::Fault::kForgottenSync, false);
  try {
    run_once(scenario, stand);
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("part-0.sqlite3"));
  }
  const bool came = stand.disk().has_failed();
  stand.disk().heal();
  if (cut_at) stand.disk().fail_at(*cut_at, MemoryDisk::Fault::kPowerCut, true);
  try {
    scenario.resume(stand);
    scenario.run_epochs(stand, 3);
  } catch (const StoreError&) {
    EXPECT_TRUE(cut_at);
  }
  std::mt19937_64 random(sync);
  stand.disk().restart([&] { return cut_at && random() % 2; });
  run_once(scenario, stand);
  return came;
}

TEST(ForgottenSync, NothingIsBuiltOnIt) {
  std::size_t sync = 0;
  while (forgets_sync(sync, std::nullopt) && !HasFailure()) ++sync;
  EXPECT_GT(sync, 15u) << "the run has so many syncs";
  ASSERT_FALSE(HasFailure()) << "sync " << sync;
}

TEST(ForgottenSync, ACutOfTheNextRunDoesNoHarm) {
  for (std::size_t sync = 0; sync < 15; ++sync) {
    for (std::size_t cut_at = 0; cut_at < 200; cut_at += 13) {
      ASSERT_NO_THROW(forgets_sync(sync, cut_at)) << "sync " << sync << ", cut at " << cut_at;
    }
  }
}

// Also where a commit does not wait for the disk, and only the checkpoint after it does.
TEST(ForgottenSync, EndsTheRun) {
  bool came = true;
  for (std::size_t sync = 0; came; ++sync) {
    MemoryDisk disk;
    const PartitionFile file = test::make_partition(disk, "part-0.sqlite3");
    disk.fail_at(sync, MemoryDisk::Fault::kForgottenSync, false);
    Epoch told{};
    bool ended = false;
    try {
      SegmentStore store(file, {.open_bytes = 1});
      store.begin({});
      for (Epoch epoch(1); epoch < Epoch(15); epoch = epoch.next()) {
        for (const std::string key : {"1", "2", "3"}) {
          store.write(epoch, "f.step", {{key, std::string(200'000, 's')}});
        }
        store.commit(epoch);
        told = epoch;
      }
    } catch (const StoreError& error) {
      ended = true;
      EXPECT_THAT(error.what(), testing::HasSubstr("its disk reports an error"));
    }
    came = disk.has_failed();
    ASSERT_EQ(ended, came) << "sync " << sync;
    disk.heal();
    disk.restart([] { return false; });
    ASSERT_GE(SegmentStore(file).history().durable, told) << "sync " << sync;
  }
}

// --- looking at a store -------------------------------------------------------------------------

constexpr const char* kFile = "part-0.sqlite3";

std::size_t pages_in_header(const std::string& file) {
  std::size_t pages = 0;
  for (const char each : file.substr(28, 4)) pages = pages << 8 | static_cast<unsigned char>(each);
  return pages;
}

// What the next one finds who starts: he looks at the file without its log first.
void expect_to_open(const MemoryDisk::Contents& contents) {
  const test::TempFolder folder;
  for (const auto& [name, content] : contents) {
    std::ofstream(folder / name, std::ios::binary) << content;
    std::filesystem::permissions(folder / name, std::filesystem::perms(0600));
  }
  try {
    const FoundPartition found = find_partitions(folder.path()).partitions.at(0);
    SegmentStore store({found.path, found.identity, "flow"});
  } catch (const StoreError& error) {
    ADD_FAILURE() << error.what();
  }
}

class GrowingFileTest : public testing::TestWithParam<MemoryDisk::Fault> {};

TEST_P(GrowingFileTest, IsFoundAmidACheckpoint) {
  int amid_checkpoint = 0;
  bool came = true;
  for (std::size_t operation = 0; came && !HasFailure(); ++operation) {
    MemoryDisk disk;
    const PartitionFile file = test::make_partition(disk, kFile);
    disk.fail_at(operation, GetParam(), true);
    try {
      SegmentStore store(file);
      store.begin({});
      store.write(Epoch(1), "f.step", {{"key", std::string(200'000, 's')}});
      store.commit(Epoch(1));
      store.close();
    } catch (const StoreError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(kFile));
    }
    came = disk.has_failed();
    const MemoryDisk::Contents left = disk.contents();
    if (pages_in_header(left.at(kFile)) > left.at(kFile).size() / 16384) ++amid_checkpoint;
    SCOPED_TRACE("operation " + std::to_string(operation));
    expect_to_open(left);
  }
  EXPECT_GE(amid_checkpoint, 5);
}

INSTANTIATE_TEST_SUITE_P(All, GrowingFileTest,
                         testing::Values(MemoryDisk::Fault::kInputOutput, MemoryDisk::Fault::kFull),
                         [](const auto& one) {
                           return one.param == MemoryDisk::Fault::kFull ? "Full" : "InputOutput";
                         });

TEST(SqlitePartition, NoEpochIsToldBeforeItIsSynced) {
  test::SteppedStand stand;
  Partition& partition = stand.open();
  partition.begin({});
  std::vector<Epoch> told;
  stand.disk().on_sync([&] { told.push_back(partition.durable()); });
  for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
    test::commit_and_wait(stand, partition, Epoch(epoch));
  }
  EXPECT_THAT(told, testing::ElementsAre(Epoch(0), Epoch(1), Epoch(2)));
  stand.disk().on_sync({});
}

// The cut must be able to lose something, or the test above proves nothing.
TEST(MemoryDisk, APowerCutLosesWhatWasNotSynced) {
  test::SteppedStand stand;
  test::StoreScenario scenario(1);
  scenario.resume(stand);
  scenario.run_epochs(stand, 3);
  stand.partition().write(Epoch(4), "f.a", {{"key", std::string(4000, 's')}});
  stand.finish();  // more than fits into memory: it has been written, but not committed
  const auto before = stand.disk().contents();
  stand.disk().restart([] { return false; });
  EXPECT_LT(stand.disk().contents().at("part-0.sqlite3-wal").size(),
            before.at("part-0.sqlite3-wal").size());
  scenario.resume(stand);
}

}  // namespace
}  // namespace cppwax::recovery
