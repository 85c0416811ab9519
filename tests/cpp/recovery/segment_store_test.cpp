#include "engine/recovery/segment_store.hpp"

#include <gmock/gmock.h>

#include <string>

#include "support/store_scenario.hpp"

namespace cppwax::recovery {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::size_t bytes_on(const test::MemoryDisk& disk) {
  std::size_t bytes = 0;
  for (const auto& [path, content] : disk.contents()) bytes += content.size();
  return bytes;
}

std::vector<std::string> names_on(const test::MemoryDisk& disk) {
  std::vector<std::string> names;
  for (const auto& [path, content] : disk.contents()) names.push_back(path);
  return names;
}

// Kills, clean ends, spills, merges of any extent: what is loaded is what the model has.
TEST(SegmentStore, HoldsWhatAModelHolds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    test::SteppedStand stand;
    test::StoreScenario scenario(seed);
    std::mt19937_64 random(seed);
    for (int run = 0; run < 6; ++run) {
      ASSERT_NO_THROW(scenario.resume(stand)) << "seed " << seed << ", run " << run;
      scenario.run_epochs(stand, random() % 40);
      if (random() % 2) stand.finish();
      if (random() % 2) scenario.close(stand);
    }
  }
}

// One step whose keys are written again and again.
class Rewriting {
 public:
  explicit Rewriting(StoreLimits limits = {})
      : file_(test::make_partition(disk_, "part-0.sqlite3")), store_(std::in_place, file_, limits) {
    store_->begin({});
  }

  void epoch(std::size_t keys, bool discard = false) {
    Entries entries;
    for (std::size_t key = 0; key < keys; ++key) {
      entries.push_back({std::to_string(key), std::string(50, 's')});
      if (discard) entries.back().state.reset();
    }
    store_->write(Epoch(++epoch_), "f.step", std::move(entries));
    store_->commit(Epoch(epoch_));
    if (epoch_ > 1) store_->collect(Epoch(epoch_ - 1));
    while (store_->wants_merge()) store_->merge_some();
  }
  SegmentStore& store() { return *store_; }
  test::MemoryDisk& disk() { return disk_; }

 private:
  test::MemoryDisk disk_;
  PartitionFile file_;
  std::optional<SegmentStore> store_;
  std::uint64_t epoch_ = 0;
};

TEST(SegmentStore, DoesNotGrowWithEpochs) {
  constexpr std::size_t kKeys = 1000;
  constexpr std::size_t kLiveBytes = kKeys * 62;
  Rewriting rewriting({.merge_from = {.segments = 2, .bytes = 0}});
  std::size_t most = 0;
  for (int epoch = 1; epoch <= 1000; ++epoch) {
    rewriting.epoch(kKeys);
    const auto contents = rewriting.disk().contents();
    most = std::max(most, contents.at("part-0.sqlite3").size());
  }
  rewriting.store().close();
  // Pages are not full to the last byte, and each table has one.
  EXPECT_LT(most, 4 * kLiveBytes + 20 * 16384);
  EXPECT_LE(bytes_on(rewriting.disk()), most);
}

TEST(SegmentStore, DoesNotGrowWithEpochsOfFewChanges) {
  Rewriting rewriting;
  for (int epoch = 1; epoch <= 300; ++epoch) rewriting.epoch(1);
  const std::size_t early = bytes_on(rewriting.disk());
  for (int epoch = 1; epoch <= 1000; ++epoch) rewriting.epoch(1);
  EXPECT_LT(bytes_on(rewriting.disk()), 2 * early);
}

std::map<std::string, std::string> all_states(SegmentStore& store) {
  std::map<std::string, std::string> found;
  for (auto read = store.read(); read.kind == Partition::Read::Kind::kEntries;
       read = store.read()) {
    for (const Entry& each : read.entries) found[each.key] = *each.state;
  }
  return found;
}

// Each segment of several blocks, of which every key of the later ones is in an earlier one.
TEST(SegmentStore, MergesSegmentsOfManyBlocks) {
  test::MemoryDisk disk;
  SegmentStore store(test::make_partition(disk, "part-0.sqlite3"),
                     {.merge_bytes = 5'000, .merge_from = {.segments = 2, .bytes = 0}});
  store.begin({});
  std::map<std::string, std::string> expected;
  for (const std::uint64_t epoch : {1u, 2u, 3u}) {
    Entries entries;
    for (std::size_t key = 0; key < 20'000; key += epoch) {
      entries.push_back({std::to_string(key), std::to_string(epoch)});
      if (epoch == 3) entries.back().state.reset();
      expected[entries.back().key] = entries.back().state.value_or("");
    }
    store.write(Epoch(epoch), "f.step", std::move(entries));
    store.commit(Epoch(epoch));
  }
  std::erase_if(expected, [](const auto& each) { return each.second.empty(); });
  EXPECT_EQ(all_states(store), expected);
  store.collect(Epoch(3));
  int slices = 0;
  for (; store.wants_merge(); ++slices) store.merge_some();
  EXPECT_GT(slices, 3);
  EXPECT_EQ(store.history().collected, Epoch(3));
  EXPECT_EQ(all_states(store), expected);
}

TEST(SegmentStore, NothingIsLeftOfWhatWasDiscarded) {
  Rewriting rewriting;
  rewriting.epoch(5000);
  EXPECT_THAT(rewriting.store().stored_steps(Epoch(0)), IsEmpty());
  EXPECT_THAT(rewriting.store().stored_steps(Epoch(1)), ElementsAre("f.step"));
  rewriting.epoch(5000, true);
  EXPECT_THAT(rewriting.store().stored_steps(Epoch(1)), ElementsAre("f.step"));
  EXPECT_THAT(rewriting.store().stored_steps(Epoch(2)), IsEmpty());
  rewriting.epoch(0);
  rewriting.store().close();
  Database file("part-0.sqlite3", Database::Access::kReadWrite, rewriting.disk().vfs());
  EXPECT_EQ(file.number("SELECT count(*) FROM segment", "test"), 0);
  EXPECT_EQ(file.number("SELECT count(*) FROM block", "test"), 0);
}

TEST(SegmentStore, DropsAStep) {
  Rewriting rewriting;
  rewriting.epoch(5000);
  rewriting.store().write(Epoch(2), "f.other", {{"k", "1"}});
  rewriting.store().commit(Epoch(2));
  rewriting.store().drop("f.step");
  rewriting.store().drop("f.unknown");
  while (rewriting.store().wants_merge()) rewriting.store().merge_some();
  EXPECT_THAT(rewriting.store().stored_steps(Epoch(2)), ElementsAre("f.other"));
  EXPECT_EQ(rewriting.store().read().step, "f.other");
}

Entries states(std::size_t first, std::size_t end, const std::string& state) {
  Entries entries;
  for (std::size_t key = first; key < end; ++key) entries.push_back({std::to_string(key), state});
  return entries;
}

TEST(SegmentStore, WhatWasDroppedBeforeARunTakesNothingOfItAlong) {
  test::MemoryDisk disk;
  const PartitionFile file = test::make_partition(disk, "part-0.sqlite3");
  {
    SegmentStore store(file);
    store.begin({});
    store.write(Epoch(1), "f.step", states(0, 5000, "old"));
    store.commit(Epoch(1));
    store.close();
  }
  {
    SegmentStore store(file);
    store.drop("f.step");
    store.begin({.number = 2, .cut = Epoch(1), .first = Epoch(4)});
    store.write(Epoch(4), "f.step", states(0, 5000, "new"));
    store.commit(Epoch(4));
    while (store.wants_merge()) store.merge_some();
  }
  SegmentStore store(file);
  const auto found = all_states(store);
  EXPECT_EQ(found.size(), 5000u);
  EXPECT_EQ(found.at("17"), "new");
}

// The last of several segments of one epoch stays; what it does not replace of the others gets a
// greater number than it has.
TEST(SegmentStore, MergesAnEpochOfSeveralSegments) {
  test::MemoryDisk disk;
  const PartitionFile file = test::make_partition(disk, "part-0.sqlite3");
  std::map<std::string, std::string> expected;
  const auto expect = [&](const Entries& entries) {
    for (const Entry& each : entries) expected[each.key] = *each.state;
    return entries;
  };
  {
    SegmentStore store(file, {.open_bytes = 1, .merge_from = {.segments = 2, .bytes = 0}});
    store.begin({});
    store.write(Epoch(1), "f.step", expect(states(0, 3000, "1")));
    store.commit(Epoch(1));
    for (const std::size_t part : {0u, 1000u, 2000u}) {
      store.write(Epoch(2), "f.step", expect(states(part, part + 1000, "2")));
    }
    store.commit(Epoch(2));
    store.collect(Epoch(2));
    ASSERT_TRUE(store.wants_merge());
    while (store.wants_merge()) store.merge_some();
    EXPECT_EQ(all_states(store), expected);
    store.write(Epoch(3), "f.step", expect(states(1500, 2500, "3")));
    store.commit(Epoch(3));
    store.collect(Epoch(3));
    while (store.wants_merge()) store.merge_some();
    EXPECT_EQ(all_states(store), expected);
  }
  SegmentStore store(file);
  store.begin({.number = 2, .cut = Epoch(3), .first = Epoch(6)});
  EXPECT_EQ(all_states(store), expected);
}

TEST(SegmentStore, ClosedItIsOneFile) {
  Rewriting rewriting;
  rewriting.epoch(10);
  EXPECT_THAT(names_on(rewriting.disk()), ElementsAre("part-0.sqlite3", "part-0.sqlite3-wal"));
  rewriting.store().close();
  EXPECT_THAT(names_on(rewriting.disk()), ElementsAre("part-0.sqlite3"));
}

TEST(SegmentStore, AStateThatIsTooLargeIsNamed) {
  Rewriting rewriting;
  Entries entries;
  entries.push_back({"the key", std::string(950'000'001, 's')});
  try {
    rewriting.store().write(Epoch(1), "f.step", std::move(entries));
    FAIL();
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("'the key'"), testing::HasSubstr("'f.step'")));
  }
}

}  // namespace
}  // namespace cppwax::recovery
