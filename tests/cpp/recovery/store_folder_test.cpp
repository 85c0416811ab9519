#include "engine/recovery/store_folder.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>

#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/recovery/sqlite_partition.hpp"
#include "support/temp_folder.hpp"

namespace cppwax::recovery {
namespace {

namespace fs = std::filesystem;
using test::TempFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Refusal {
  std::optional<StoreFault> fault;
  std::string text;
};

Refusal refusal_of(const std::function<void()>& use) {
  try {
    use();
    return {};
  } catch (const StoreError& error) {
    return {error.fault, error.what()};
  }
}

std::vector<std::string> files_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& each : fs::directory_iterator(folder)) names.push_back(each.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

unsigned mode_of(const fs::path& path) {
  return static_cast<unsigned>(fs::status(path).permissions()) & 0777;
}

PartitionSettings settings_of(const FoundPartition& found) {
  return {.file = {found.path, found.identity, "flow"}};
}

TEST(InitStore, MakesPartitionsOfOneStore) {
  const TempFolder folder;
  init_store(folder.path(), 3);
  EXPECT_THAT(files_in(folder.path()),
              ElementsAre("part-0.sqlite3", "part-1.sqlite3", "part-2.sqlite3"));
  const FoundStore found = find_partitions(folder.path());
  ASSERT_EQ(found.partitions.size(), 3u);
  EXPECT_THAT(found.warnings, IsEmpty());
  for (std::uint32_t index = 0; index < 3; ++index) {
    const Identity& identity = found.partitions[index].identity;
    EXPECT_EQ(identity.index, RecoveryPartitionIndex(index));
    EXPECT_EQ(identity.count, 3u);
    EXPECT_EQ(identity.uuid, found.partitions[0].identity.uuid);
    EXPECT_EQ(identity.uuid.size(), 32u);
  }
}

TEST(InitStore, NobodyElseMayReadIt) {
  const TempFolder folder;
  const fs::path own = folder / "db";
  fs::create_directory(own);
  fs::permissions(own, fs::perms(0755));
  init_store(own, 1);
  EXPECT_EQ(mode_of(own), 0700u);
  EXPECT_EQ(mode_of(own / "part-0.sqlite3"), 0600u);
  const FoundPartition found = find_partitions(own).partitions.at(0);
  SqlitePartition partition(settings_of(found));
  partition.begin({});
  EXPECT_EQ(mode_of(own / "part-0.sqlite3-wal"), 0600u);
  EXPECT_EQ(mode_of(own / "part-0.sqlite3.lock"), 0600u);
}

TEST(InitStore, LeavesAFolderThatIsInUseReadable) {
  const TempFolder folder;
  const fs::path own = folder / "project";
  fs::create_directory(own);
  fs::permissions(own, fs::perms(0755));
  std::ofstream(own / "flow.py") << "\n";
  init_store(own, 1);
  EXPECT_EQ(mode_of(own), 0755u);
}

TEST(InitStore, TwoStoresDiffer) {
  const TempFolder one;
  const TempFolder other;
  init_store(one.path(), 1);
  init_store(other.path(), 1);
  EXPECT_NE(find_partitions(one.path()).partitions[0].identity.uuid,
            find_partitions(other.path()).partitions[0].identity.uuid);
}

TEST(InitStore, RefusesWhatItCannotDo) {
  const TempFolder folder;
  const auto init = [&](const fs::path& path, std::int64_t count) {
    return refusal_of([&] { init_store(path, count); });
  };
  EXPECT_EQ(init(folder.path(), 0).fault, StoreFault::kBadCount);
  EXPECT_THAT(init(folder.path(), -1).text, HasSubstr("-1"));
  EXPECT_EQ(init(folder.path(), 1'000'000).fault, StoreFault::kBadCount);
  EXPECT_EQ(init(folder / "none", 1).fault, StoreFault::kNoFolder);
  EXPECT_THAT(init(folder / "none", 1).text, AllOf(HasSubstr("none'"), HasSubstr("mkdir")));
  EXPECT_THAT(files_in(folder.path()), IsEmpty());
  std::ofstream(folder / "file") << "text";
  EXPECT_EQ(init(folder / "file", 1).fault, StoreFault::kNotAFolder);
}

TEST(InitStore, LeavesAStoreAsItIs) {
  const TempFolder folder;
  init_store(folder.path(), 2);
  fs::remove(folder / "part-0.sqlite3");
  const std::string uuid = find_partitions(folder.path()).partitions[0].identity.uuid;
  const Refusal refusal = refusal_of([&] { init_store(folder.path(), 2); });
  EXPECT_EQ(refusal.fault, StoreFault::kAlreadyThere);
  EXPECT_THAT(refusal.text, HasSubstr("part-1.sqlite3"));
  EXPECT_THAT(files_in(folder.path()), ElementsAre("part-1.sqlite3"));
  EXPECT_EQ(find_partitions(folder.path()).partitions[0].identity.uuid, uuid);
}

TEST(InitStore, RefusesALeftoverLog) {
  for (const std::string name : {"part-0.sqlite3-wal", "part-7.sqlite3-journal"}) {
    const TempFolder folder;
    std::ofstream(folder / "part-0.sqlite3.lock") << "process 1 on host";
    std::ofstream(folder / name) << "log";
    const Refusal refusal = refusal_of([&] { init_store(folder.path(), 2); });
    EXPECT_EQ(refusal.fault, StoreFault::kAlreadyThere);
    EXPECT_THAT(refusal.text, AllOf(HasSubstr(name), HasSubstr("remove it")));
    fs::remove(folder / name);
    init_store(folder.path(), 2);
  }
}

TEST(InitStore, OfManyAtOnceOneMakesIt) {
  const TempFolder folder;
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back(
        [&] { made += !refusal_of([&] { init_store(folder.path(), 2); }).fault.has_value(); });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(files_in(folder.path()).size(), 2u);
  EXPECT_EQ(arrange_partitions({find_partitions(folder.path()).partitions}).size(), 2u);
}

TEST(FindPartitions, NeedsAFolder) {
  const TempFolder folder;
  EXPECT_EQ(refusal_of([&] { find_partitions(folder / "none"); }).fault, StoreFault::kNoFolder);
  EXPECT_THAT(find_partitions(folder.path()).partitions, IsEmpty());
}

TEST(FindPartitions, NamesTheFileThatIsNone) {
  const TempFolder folder;
  init_store(folder.path(), 1);
  std::ofstream(folder / "part-1.sqlite3") << "this is no database, but it is long enough" << 1;
  const Refusal refusal = refusal_of([&] { find_partitions(folder.path()); });
  EXPECT_EQ(refusal.fault, StoreFault::kDamaged);
  EXPECT_THAT(refusal.text, HasSubstr("part-1.sqlite3"));
}

TEST(FindPartitions, RefusesWhatOthersMayWriteTo) {
  const TempFolder folder;
  init_store(folder.path(), 1);
  const auto refused = [&](const fs::path& path, unsigned mode) {
    const unsigned before = mode_of(path);
    fs::permissions(path, fs::perms(mode));
    const Refusal refusal = refusal_of([&] { find_partitions(folder.path()); });
    fs::permissions(path, fs::perms(before));
    EXPECT_THAT(refusal.text, AllOf(HasSubstr(path), HasSubstr("chmod go-w")));
    return refusal.fault;
  };
  EXPECT_EQ(refused(folder / "part-0.sqlite3", 0620), StoreFault::kUnsafe);
  EXPECT_EQ(refused(folder / "part-0.sqlite3", 0602), StoreFault::kUnsafe);
  EXPECT_EQ(refused(folder.path(), 0770), StoreFault::kUnsafe);
  EXPECT_EQ(find_partitions(folder.path()).partitions.size(), 1u);
}

TEST(FindPartitions, RefusesALink) {
  const TempFolder folder;
  init_store(folder.path(), 1);
  fs::rename(folder / "part-0.sqlite3", folder / "elsewhere");
  fs::create_symlink(folder / "elsewhere", folder / "part-0.sqlite3");
  EXPECT_EQ(refusal_of([&] { find_partitions(folder.path()); }).fault, StoreFault::kUnsafe);
}

TEST(FindPartitions, ReadsPathsOfAnyBytes) {
  const TempFolder folder;
  const fs::path odd = folder / "a %41?#&= \xff'\"";
  fs::create_directory(odd);
  init_store(odd, 1);
  EXPECT_EQ(find_partitions(odd).partitions[0].path, (odd / "part-0.sqlite3").string());
}

// --- who has which ------------------------------------------------------------------------------

FoundPartition found(const std::string& name, Identity identity, std::uint64_t inode) {
  return {name, std::move(identity), {1, inode}};
}
Identity identity(std::uint32_t index, std::uint32_t count = 2, const std::string& uuid = "u") {
  return {uuid, RecoveryPartitionIndex(index), count};
}

TEST(ArrangePartitions, SpreadsThemOverWhoSeesThem) {
  const std::vector<FoundPartition> all{
      found("a", identity(0, 4), 1), found("b", identity(1, 4), 2), found("c", identity(2, 4), 3),
      found("d", identity(3, 4), 4)};
  std::vector<std::size_t> processes;
  for (const PartitionHome& home : arrange_partitions({all, all})) {
    processes.push_back(home.process);
  }
  EXPECT_THAT(processes, ElementsAre(0, 1, 0, 1));
}

TEST(ArrangePartitions, AProcessMayHaveAllOrNone) {
  const auto homes =
      arrange_partitions({{}, {found("b", identity(1), 2), found("a", identity(0), 1)}, {}});
  ASSERT_EQ(homes.size(), 2u);
  EXPECT_EQ(homes[0].process, 1u);
  EXPECT_EQ(homes[0].path, "a");
  EXPECT_EQ(homes[1].path, "b");
}

TEST(ArrangePartitions, RefusesByName) {
  const auto refused = [](const std::vector<std::vector<FoundPartition>>& seen) {
    return refusal_of([&] { arrange_partitions(seen); });
  };
  EXPECT_EQ(refused({{}, {}}).fault, StoreFault::kNoPartitions);

  const Refusal missing = refused({{found("a", identity(0, 3), 1)}, {}});
  EXPECT_EQ(missing.fault, StoreFault::kMissing);
  EXPECT_THAT(missing.text, HasSubstr("nowhere: 1, 2;"));

  const Refusal counts = refused({{found("a", identity(0), 1), found("b", identity(1, 3), 2)}});
  EXPECT_EQ(counts.fault, StoreFault::kBadCount);
  EXPECT_THAT(counts.text, AllOf(HasSubstr("a (process 0)"), HasSubstr("b (process 0)")));

  const Refusal stores =
      refused({{found("a", identity(0), 1)}, {found("b", identity(1, 2, "v"), 2)}});
  EXPECT_EQ(stores.fault, StoreFault::kInconsistent);
  EXPECT_THAT(stores.text, AllOf(HasSubstr("a (process 0)"), HasSubstr("b (process 1)")));

  const Refusal twice = refused(
      {{found("a", identity(0), 1), found("b", identity(1), 2)}, {found("copy", identity(0), 3)}});
  EXPECT_EQ(twice.fault, StoreFault::kInconsistent);
  EXPECT_THAT(twice.text, AllOf(HasSubstr("twice"), HasSubstr("copy (process 1)")));
}

TEST(ArrangePartitions, HostsNumberASharedFileSystemAsTheyLike) {
  FoundPartition here = found("here", identity(0, 1), 7);
  FoundPartition there = here;
  there.path = "there";
  there.file.device = 99;
  const auto fault = [&] {
    return refusal_of([&] { arrange_partitions({{here}, {there}}); }).fault;
  };
  EXPECT_EQ(fault(), StoreFault::kInconsistent);
  there.host = "another";
  EXPECT_EQ(fault(), std::nullopt);
  there.file.inode = 8;
  EXPECT_EQ(fault(), StoreFault::kInconsistent);
}

// --- one writer at a time -----------------------------------------------------------------------

TEST(SqlitePartition, ASecondRunInTheProcessIsRefused) {
  const TempFolder folder;
  init_store(folder.path(), 1);
  const FoundPartition part = find_partitions(folder.path()).partitions.at(0);
  SqlitePartition first(settings_of(part));
  first.begin({});
  const auto refused = [&] {
    SqlitePartition second(settings_of(part));
    second.history();
  };
  for (int i = 0; i < 2; ++i) {
    const Refusal refusal = refusal_of(refused);
    EXPECT_EQ(refusal.fault, StoreFault::kInUse);
    EXPECT_THAT(refusal.text, AllOf(HasSubstr(part.path), HasSubstr("in this process")));
  }
  EXPECT_EQ(refusal_of([&] { find_partitions(folder.path()); }).fault, StoreFault::kInUse);
  first.close();
  EXPECT_EQ(refusal_of(refused).fault, std::nullopt);
}

// Runs `use` in a process of its own; returns its exit code, or -1 if it was killed.
int in_other_process(const std::function<int()>& use) {
  const pid_t child = fork();
  if (child == 0) _exit(use());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(SqlitePartition, ASecondProcessIsRefusedByName) {
  const TempFolder folder;
  init_store(folder.path(), 1);
  const FoundPartition part = find_partitions(folder.path()).partitions.at(0);
  int to_child[2];
  int to_parent[2];
  ASSERT_EQ(pipe(to_child), 0);
  ASSERT_EQ(pipe(to_parent), 0);
  const pid_t child = fork();
  if (child == 0) {
    const FileClaim claim(part.path);
    char byte = 'x';
    if (write(to_parent[1], &byte, 1) != 1 || read(to_child[0], &byte, 1) != 1) _exit(1);
    _exit(0);  // without giving the claim back: as a kill
  }
  char byte = 'x';
  ASSERT_EQ(read(to_parent[0], &byte, 1), 1);
  const Refusal refusal = refusal_of([&] { FileClaim claim(part.path); });
  EXPECT_EQ(refusal.fault, StoreFault::kInUse);
  EXPECT_THAT(refusal.text, HasSubstr("process " + std::to_string(child) + " on "));
  EXPECT_EQ(find_partitions(folder.path()).partitions.size(), 1u) << "looking is allowed";
  ASSERT_EQ(write(to_child[1], &byte, 1), 1);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(refusal_of([&] { FileClaim claim(part.path); }).fault, std::nullopt);
  for (const int fd : {to_child[0], to_child[1], to_parent[0], to_parent[1]}) close(fd);
}

TEST(SqlitePartition, AKilledProcessLeavesWhatItCommitted) {
  const TempFolder folder;
  init_store(folder.path(), 1);
  const FoundPartition part = find_partitions(folder.path()).partitions.at(0);
  const int code = in_other_process([&] {
    SqlitePartition partition(settings_of(part));
    partition.begin({});
    partition.on_progress([&] {
      if (partition.durable() == Epoch(1)) kill(getpid(), SIGKILL);
    });
    partition.write(Epoch(1), "f.a", {{"k", "1"}});
    partition.commit(Epoch(1));
    partition.write(Epoch(2), "f.a", {{"k", "2"}});
    return pause();
  });
  EXPECT_EQ(code, -1);
  EXPECT_THAT(files_in(folder.path()),
              ElementsAre("part-0.sqlite3", "part-0.sqlite3-wal", "part-0.sqlite3.lock"));
  SqlitePartition partition(settings_of(find_partitions(folder.path()).partitions.at(0)));
  EXPECT_EQ(partition.history().durable, Epoch(1));
  partition.begin({2, Epoch(1), Epoch(5)});
  partition.close();
  EXPECT_THAT(files_in(folder.path()), ElementsAre("part-0.sqlite3"));
}

TEST(SqlitePartition, ErrorsOfItsThreadComeOutOfTheNextCalls) {
  const TempFolder folder;
  init_store(folder.path(), 1);
  const FoundPartition part = find_partitions(folder.path()).partitions.at(0);
  fs::resize_file(part.path, 20'000);
  SqlitePartition partition(settings_of(part));
  EXPECT_THAT(refusal_of([&] { partition.history(); }).text, HasSubstr(part.path));
  EXPECT_EQ(refusal_of([&] { (void)partition.room(); }).fault, StoreFault::kDamaged);
  EXPECT_EQ(refusal_of([&] { partition.commit(Epoch(1)); }).fault, StoreFault::kDamaged);
  EXPECT_EQ(refusal_of([&] { partition.close(); }).fault, std::nullopt);
}

}  // namespace
}  // namespace cppwax::recovery
