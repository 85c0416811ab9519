#include "engine/recovery/store_view.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "engine/recovery/segment_store.hpp"
#include "support/temp_folder.hpp"

namespace cppwax::recovery {
namespace {

namespace fs = std::filesystem;
using test::TempFolder;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// A store of two partitions that runs of the flow "flow" write to, without a worker.
class StoreViewTest : public testing::Test {
 protected:
  StoreViewTest() { init_store(path(), 2); }

  std::string path() const { return folder_.path().string(); }

  // Of a run that begins at `execution` and dies: a store for each partition.
  std::vector<std::unique_ptr<SegmentStore>> begin(const Execution& execution) {
    std::vector<std::unique_ptr<SegmentStore>> stores;
    for (const FoundPartition& each : find_partitions(path()).partitions) {
      stores.push_back(
          std::make_unique<SegmentStore>(PartitionFile{each.path, each.identity, "flow"}));
      stores.back()->begin(execution);
    }
    return stores;
  }

  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> all;
    for (const auto& each : fs::directory_iterator(folder_.path())) {
      std::ifstream file(each.path(), std::ios::binary);
      all[each.path().filename()] =
          std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return all;
  }

  std::map<std::string, std::string> states(StoreView& view,
                                            const std::optional<StepId>& of_step = std::nullopt) {
    std::map<std::string, std::string> all;
    const auto take = [&](const StepId& step, const EntryView& entry, Epoch epoch) {
      all[step + "/" + std::string(entry.key)] =
          std::string(*entry.state) + "@" + std::to_string(epoch.value());
    };
    view.each_state(take, of_step);
    return all;
  }

  // Where `partition_of` has it.
  static void write(std::vector<std::unique_ptr<SegmentStore>>& stores, Epoch epoch,
                    const StepId& step, const Entry& entry) {
    stores[partition_of(step, entry.key, stores.size()).value()]->write(epoch, step, {entry});
  }

  static void commit(std::vector<std::unique_ptr<SegmentStore>>& stores, Epoch epoch) {
    for (const auto& each : stores) each->commit(epoch);
  }

  TempFolder folder_;
};

TEST_F(StoreViewTest, ANewStoreHasNothing) {
  StoreView view({path()});
  EXPECT_EQ(view.flow_id(), "");
  EXPECT_TRUE(view.resume().is_first);
  EXPECT_THAT(view.steps(), IsEmpty());
  EXPECT_EQ(view.find("flow.step", "a"), std::nullopt);
}

TEST_F(StoreViewTest, ShowsTheNewestOfEachKeyAndNoDiscards) {
  auto stores = begin({1, Epoch(0), Epoch(1)});
  for (const char* key : {"a", "b", "c"}) write(stores, Epoch(1), "flow.step", {key, "one"});
  commit(stores, Epoch(1));
  write(stores, Epoch(2), "flow.step", {"a", "two"});
  write(stores, Epoch(2), "flow.step", {"b", std::nullopt});
  write(stores, Epoch(2), "flow.other", {"a", "x"});
  commit(stores, Epoch(2));
  for (const auto& each : stores) each->close();
  stores.clear();

  const auto before = contents();
  {
    StoreView view({path()});
    EXPECT_EQ(view.flow_id(), "flow");
    EXPECT_EQ(view.resume().execution.cut, Epoch(2));
    EXPECT_THAT(states(view), ElementsAre(Pair("flow.other/a", "x@2"), Pair("flow.step/a", "two@2"),
                                          Pair("flow.step/c", "one@1")));
    EXPECT_THAT(states(view, "flow.other"), ElementsAre(Pair("flow.other/a", "x@2")));
    EXPECT_THAT(states(view, "flow.none"), IsEmpty());
    const StoredStep step = view.steps().at("flow.step");
    EXPECT_EQ(step.keys, 2);
    EXPECT_EQ(step.state_bytes, 6);
    EXPECT_EQ(step.entries, 5);
    EXPECT_EQ(step.oldest, Epoch(1));
    EXPECT_EQ(step.newest, Epoch(2));
    EXPECT_EQ(view.find("flow.step", "a")->bytes, "two");
    EXPECT_EQ(view.find("flow.step", "b"), std::nullopt);
    EXPECT_EQ(view.find("flow.none", "a"), std::nullopt);
  }
  EXPECT_EQ(contents(), before);
}

// What only one partition has of an epoch, a resume removes: so it is not shown.
TEST_F(StoreViewTest, ShowsWhatAResumeWouldLoadAfterAKill) {
  auto stores = begin({1, Epoch(0), Epoch(1)});
  for (const char* key : {"a", "b", "c", "d"}) write(stores, Epoch(1), "flow.step", {key, "one"});
  commit(stores, Epoch(1));
  for (const char* key : {"a", "b", "c", "d"}) write(stores, Epoch(2), "flow.step", {key, "two"});
  stores[0]->commit(Epoch(2));
  stores.clear();

  const auto before = contents();
  ASSERT_TRUE(before.contains("part-0.sqlite3-wal"));
  {
    StoreView view({path()});
    EXPECT_EQ(view.resume().execution.cut, Epoch(1));
    EXPECT_THAT(states(view),
                ElementsAre(Pair("flow.step/a", "one@1"), Pair("flow.step/b", "one@1"),
                            Pair("flow.step/c", "one@1"), Pair("flow.step/d", "one@1")));
  }
  EXPECT_EQ(contents(), before);
}

TEST_F(StoreViewTest, KeepsRunsAwayWhileItLives) {
  {
    const StoreView view({path()});
    const auto found = [&] { find_partitions(path()); };
    EXPECT_THROW(found(), StoreError);
    EXPECT_THROW(StoreView({path()}), StoreError);
  }
  EXPECT_NO_THROW(StoreView({path()}));
}

TEST_F(StoreViewTest, ADroppedStepLeavesNothingBehind) {
  auto stores = begin({1, Epoch(0), Epoch(1)});
  for (const char* key : {"a", "b", "c"}) {
    write(stores, Epoch(1), "flow.step", {key, "one"});
    write(stores, Epoch(1), "flow.other", {key, "one"});
  }
  commit(stores, Epoch(1));
  stores.clear();  // killed: the log is there

  drop_states({path()}, "flow.step", std::nullopt);
  drop_states({path()}, "flow.step", std::nullopt);
  {
    StoreView view({path()});
    EXPECT_THAT(view.steps(), ElementsAre(Pair("flow.other", testing::_)));
    EXPECT_EQ(view.find("flow.other", "a")->bytes, "one");
  }
  for (const FoundPartition& each : find_partitions(path()).partitions) {
    Database file(each.path, Database::Access::kAsItLies);
    EXPECT_EQ(file.number("SELECT count(*) FROM block", "count"),
              file.number("SELECT sum(blocks) FROM segment", "count"));
  }
}

// Whatever of the key is stored, and nothing else of the step: not the order of its epochs either.
TEST_F(StoreViewTest, ADroppedKeyLeavesTheOthersAsTheyWere) {
  auto stores = begin({1, Epoch(0), Epoch(1)});
  for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
    for (const char* key : {"a", "b", "c"}) {
      if (epoch == 3 && *key == 'c') continue;
      write(stores, Epoch(epoch), "flow.step", {key, std::to_string(epoch)});
    }
    commit(stores, Epoch(epoch));
  }
  for (const auto& each : stores) each->close();
  stores.clear();

  drop_states({path()}, "flow.step", "b");
  {
    StoreView view({path()});
    EXPECT_THAT(states(view), ElementsAre(Pair("flow.step/a", "3@3"), Pair("flow.step/c", "2@2")));
  }
  for (const FoundPartition& each : find_partitions(path()).partitions) {
    Database file(each.path, Database::Access::kAsItLies);
    EXPECT_EQ(file.number("SELECT count(*) FROM block", "count"),
              file.number("SELECT sum(blocks) FROM segment", "count"));
  }
  stores = begin({2, Epoch(3), Epoch(6)});
  stores.clear();
  StoreView view({path()});
  EXPECT_EQ(view.find("flow.step", "a")->bytes, "3");
  EXPECT_EQ(view.find("flow.step", "b"), std::nullopt);
}

}  // namespace
}  // namespace cppwax::recovery
