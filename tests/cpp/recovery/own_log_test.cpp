// A log beside a partition counts if it is the partition's own, whatever was put back or removed.
#include "engine/recovery/own_log.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <random>
#include <string>

#include "engine/recovery/store_view.hpp"
#include "support/partition_stand.hpp"

namespace cppwax::recovery {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

// A store of one partition, whose runs of one epoch give the key "key" the state that is theirs.
class OwnLogTest : public testing::Test {
 protected:
  OwnLogTest() { init_store(folder_.path(), 1); }

  std::string file() const { return folder_ / "part-0.sqlite3"; }
  std::string log() const { return file() + "-wal"; }

  SegmentStore open() {
    const FoundPartition found = find_partitions(folder_.path()).partitions.at(0);
    return SegmentStore({found.path, found.identity, "flow"});
  }
  enum class End { kClosed, kKilled };
  void run(const std::string& state, End end) {
    SegmentStore store = open();
    const Execution execution = find_resume({store.history()}).execution;
    store.begin(execution);
    store.write(execution.first, "f.step", {{"key", state}});
    store.commit(execution.first);
    if (end == End::kClosed) store.close();
  }
  std::string state() {
    return StoreView({folder_.path()}).find("f.step", "key").value_or(StoreView::State{}).bytes;
  }
  void expect_refused() {
    const auto refused = testing::ThrowsMessage<StoreError>(
        AllOf(HasSubstr("partition " + file() + " has no log"), HasSubstr(log() + " beside it"),
              HasSubstr("remove that file")));
    const std::uintmax_t size = fs::file_size(log());
    EXPECT_THAT([&] { open(); }, refused);
    EXPECT_THAT([&] { state(); }, refused);
    EXPECT_THAT([&] { drop_states({folder_.path()}, "f.step", std::nullopt); }, refused);
    EXPECT_EQ(fs::file_size(log()), size);
  }

  test::TempFolder folder_;
};

TEST_F(OwnLogTest, OfAKilledRunIsReplayed) {
  run("1", End::kKilled);
  EXPECT_EQ(state(), "1");
  run("2", End::kClosed);
  run("3", End::kKilled);
  run("4", End::kKilled);
  EXPECT_EQ(state(), "4");
}

TEST_F(OwnLogTest, OfALaterRunDoesNotGetIntoACopy) {
  run("1", End::kClosed);
  fs::copy(file(), folder_ / "copy");
  run("2", End::kKilled);
  fs::copy(folder_ / "copy", file(), fs::copy_options::overwrite_existing);
  expect_refused();
  fs::remove(log());
  EXPECT_EQ(state(), "1");
  run("3", End::kKilled);
  EXPECT_EQ(state(), "3");
}

TEST_F(OwnLogTest, OfAnEarlierStoreDoesNotGetIntoANewOne) {
  run("1", End::kKilled);
  fs::rename(log(), folder_ / "log");
  fs::remove(file());
  init_store(folder_.path(), 1);
  fs::rename(folder_ / "log", log());
  expect_refused();
  fs::remove(log());
  EXPECT_EQ(state(), "");
}

TEST_F(OwnLogTest, OfAnotherFlowsStoreIsNoDamage) {
  run("1", End::kClosed);
  const test::TempFolder other;
  init_store(other.path(), 1);
  {
    SegmentStore store(
        {other / "part-0.sqlite3", find_partitions(other.path()).partitions[0].identity, "other"});
    store.begin({});
    store.write(Epoch(1), "other.step", {{"key", std::string(100'000, 's')}});
    store.commit(Epoch(1));
  }
  fs::copy(other / "part-0.sqlite3-wal", log());
  expect_refused();
}

// As after a power cut that undoes the removal of the log at a clean end.
TEST_F(OwnLogTest, ThatCameBackWithAllInTheFileIsNone) {
  run("1", End::kKilled);
  run("2", End::kKilled);
  fs::copy(log(), folder_ / "log");
  open().close();
  fs::rename(folder_ / "log", log());
  EXPECT_EQ(state(), "2");
  run("3", End::kKilled);
  EXPECT_EQ(state(), "3");
  run("4", End::kClosed);
  EXPECT_EQ(state(), "4");
}

TEST_F(OwnLogTest, ThatCameBackDoesNotHideWhatIsDropped) {
  run("1", End::kKilled);
  fs::copy(log(), folder_ / "log");
  open().close();
  fs::rename(folder_ / "log", log());
  {
    SegmentStore store = open();
    store.drop("f.step");
  }  // killed
  EXPECT_EQ(state(), "");
}

bool has_disowned_log(const test::MemoryDisk::Contents& contents) {
  const auto log = contents.find("part-0.sqlite3-wal");
  return log != contents.end() && !log->second.empty() &&
         contents.at("part-0.sqlite3").substr(18, 2) == "\1\1";
}

TEST(OwnLog, ThatAPowerCutBringsBackDoesNoHarm) {
  int brought_back = 0;
  for (std::size_t cut = 0; cut < 40 * 8; ++cut) {
    test::MemoryDisk disk;
    const PartitionFile file = test::make_partition(disk, "part-0.sqlite3");
    try {
      SegmentStore store(file);
      store.begin({});
      store.write(Epoch(1), "f.step", {{"key", "1"}});
      store.commit(Epoch(1));
      disk.fail_at(cut / 8, test::MemoryDisk::Fault::kPowerCut, true);
      store.close();
    } catch (const StoreError& error) {
      EXPECT_THAT(error.what(), HasSubstr("part-0.sqlite3"));
    }
    std::mt19937_64 random(cut);
    disk.restart([&] { return random() % 2; });
    brought_back += has_disowned_log(disk.contents());
    SCOPED_TRACE("cut " + std::to_string(cut));
    {
      SegmentStore store(file);
      ASSERT_EQ(store.history().durable, Epoch(1));
      store.begin({2, Epoch(1), Epoch(4)});
      store.commit(Epoch(4));
    }
    disk.restart([&] { return random() % 2; });
    ASSERT_EQ(SegmentStore(file).history().durable, Epoch(4));
  }
  EXPECT_GT(brought_back, 0);
}

}  // namespace
}  // namespace cppwax::recovery
