// Files that are not what was written are refused by name and left as they are, or do no harm.
#include <gmock/gmock.h>

#include <functional>
#include <random>
#include <string>

#include "support/store_scenario.hpp"

namespace cppwax::recovery {
namespace {

using test::MemoryDisk;
using testing::HasSubstr;

constexpr const char* kFile = "part-0.sqlite3";
constexpr const char* kLog = "part-0.sqlite3-wal";

// A store with a history: several runs, merges, and a last run that was killed, or closed.
struct UsedStore {
  explicit UsedStore(std::uint64_t seed, bool closed) : scenario(seed) {
    // A damaged log may lead back to before the last run, where other epochs were.
    scenario.set_alone(true);
    for (int run = 0; run < 3; ++run) {
      scenario.resume(stand);
      scenario.run_epochs(stand, 12);
    }
    if (closed) scenario.close(stand);
    contents = stand.disk().contents();
  }

  // Returns what it is refused with, or nothing; what it holds must be right then.
  std::string refusal(MemoryDisk::Contents damaged) {
    test::StoreScenario continued = scenario;
    stand.disk().set_contents(damaged);
    try {
      stand.open();
      stand.partition().history();
    } catch (const StoreError& error) {
      EXPECT_EQ(stand.disk().contents(), damaged) << "it was changed";
      return error.what();
    }
    // Also when it is written to, merged, and read again.
    for (int run = 0; run < 2; ++run) {
      continued.resume_anywhere(stand);
      continued.run_epochs(stand, 10);
    }
    continued.close(stand);
    return "";
  }

  test::SteppedStand stand;
  test::StoreScenario scenario;
  MemoryDisk::Contents contents;
};

// What a store is refused with once SQL has changed its file.
std::string refusal_after(std::uint64_t seed, const std::string& change) {
  UsedStore store(seed, true);
  store.stand.disk().set_contents(store.contents);
  Database(kFile, Database::Access::kReadWrite, store.stand.disk().vfs()).run(change, "test");
  return store.refusal(store.stand.disk().contents());
}

struct Tally {
  int refused = 0;
  int harmless = 0;

  void add(const std::string& refusal) {
    ++(refusal.empty() ? harmless : refused);
    EXPECT_THAT(refusal, testing::AnyOf("", HasSubstr(kFile)));
  }
};

void flip(std::string& bytes, std::mt19937_64& random) {
  bytes[random() % bytes.size()] ^= static_cast<char>(1u << random() % 8);
}

TEST(StoreDamage, AFlippedBitIsFoundOrDoesNoHarm) {
  Tally tally;
  for (const bool closed : {true, false}) {
    UsedStore store(1, closed);
    std::mt19937_64 random(closed);
    for (int i = 0; i < 500 && !testing::Test::HasFailure(); ++i) {
      auto damaged = store.contents;
      flip(!closed && i % 2 ? damaged.at(kLog) : damaged.at(kFile), random);
      SCOPED_TRACE("flip " + std::to_string(i));
      ASSERT_NO_THROW(tally.add(store.refusal(std::move(damaged))));
    }
  }
  EXPECT_GE(tally.refused, 20);
  EXPECT_GE(tally.harmless, 20);
}

TEST(StoreDamage, AChangedHeaderIsFoundOrDoesNoHarm) {
  UsedStore store(2, true);
  Tally tally;
  for (std::size_t at = 0; at < 110 && !testing::Test::HasFailure(); ++at) {
    auto damaged = store.contents;
    damaged.at(kFile)[at] ^= static_cast<char>(0x5a);
    SCOPED_TRACE("byte " + std::to_string(at));
    ASSERT_NO_THROW(tally.add(store.refusal(std::move(damaged))));
  }
  EXPECT_GE(tally.refused, 40);
}

TEST(StoreDamage, ATruncatedFileIsFoundOrDoesNoHarm) {
  Tally tally;
  for (const bool closed : {true, false}) {
    UsedStore store(3, closed);
    std::mt19937_64 random(closed);
    for (int i = 0; i < 100 && !testing::Test::HasFailure(); ++i) {
      auto damaged = store.contents;
      std::string& file = !closed && i % 2 ? damaged.at(kLog) : damaged.at(kFile);
      file.resize(random() % file.size());
      SCOPED_TRACE("truncation " + std::to_string(i));
      ASSERT_NO_THROW(tally.add(store.refusal(std::move(damaged))));
    }
  }
  EXPECT_GE(tally.refused, 100);
}

TEST(StoreDamage, AnExchangedPageIsFoundOrDoesNoHarm) {
  UsedStore store(4, true);
  constexpr std::size_t kPage = 16384;
  const std::size_t pages = store.contents.at(kFile).size() / kPage;
  std::mt19937_64 random(4);
  Tally tally;
  for (int i = 0; i < 100 && !testing::Test::HasFailure(); ++i) {
    auto damaged = store.contents;
    std::string& file = damaged.at(kFile);
    const std::string page = file.substr(random() % pages * kPage, kPage);
    file.replace(random() % pages * kPage, kPage, page);
    SCOPED_TRACE("exchange " + std::to_string(i));
    ASSERT_NO_THROW(tally.add(store.refusal(std::move(damaged))));
  }
  EXPECT_GE(tally.refused, 30);
}

// Without the log of a killed run the file is an older one, or none at all.
TEST(StoreDamage, AMissingLogIsFoundOrDoesNoHarm) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    UsedStore store(seed, false);
    auto damaged = store.contents;
    damaged.erase(kLog);
    ASSERT_NO_THROW(store.refusal(std::move(damaged))) << "seed " << seed;
  }
}

TEST(StoreDamage, WhoKnowsSqliteCannotChangeARowUnseen) {
  const std::vector<std::string> changes{
      "UPDATE catalog SET durable = durable + 1",
      "UPDATE catalog SET flow_id = 'other'",
      "DELETE FROM catalog",
      "UPDATE execution SET first = first + 1",
      "DELETE FROM execution WHERE number = 2",
      "UPDATE step SET step_id = 'f.c' WHERE id = 1",
      "UPDATE segment SET epoch = epoch + 1 WHERE id = (SELECT max(id) FROM segment)",
      "DELETE FROM segment WHERE id = (SELECT max(id) FROM segment)",
      "DELETE FROM block WHERE place = (SELECT max(place) FROM block)",
      "UPDATE block SET body = (SELECT body FROM block ORDER BY place LIMIT 1)",
      "UPDATE block SET body = body || x'00'",
      "UPDATE store SET part_index = 0, part_count = 3",
      "UPDATE store SET uuid = 'other'",
      "DELETE FROM migration",
      "CREATE TABLE more(a)",
      "CREATE TRIGGER evil AFTER INSERT ON block BEGIN DELETE FROM block; END",
      "DROP TABLE migration",
      "PRAGMA user_version = 0",
  };
  for (const std::string& change : changes) {
    EXPECT_THAT(refusal_after(5, change),
                testing::AllOf(HasSubstr(kFile), HasSubstr("damaged"), HasSubstr("copy")))
        << change;
  }
}

TEST(StoreDamage, BlocksThatHaveChangedPlacesAreNamed) {
  MemoryDisk disk;
  const PartitionFile file = test::make_partition(disk, kFile);
  {
    SegmentStore store(file);
    store.begin({});
    for (const std::uint64_t epoch : {1u, 2u}) {
      store.write(Epoch(epoch), "f.a", {{"key", std::to_string(epoch)}});
      store.commit(Epoch(epoch));
    }
    store.close();
  }
  Database(kFile, Database::Access::kReadWrite, disk.vfs())
      .run(
          "CREATE TEMP TABLE old AS SELECT * FROM block; UPDATE block SET"
          " checksum = (SELECT checksum FROM old WHERE place <> block.place),"
          " body = (SELECT body FROM old WHERE place <> block.place)",
          "test");
  try {
    SegmentStore store(file);
    FAIL();
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), HasSubstr("block 0 of segment 1"));
  }
}

TEST(StoreDamage, ANewerFormatIsNamed) {
  EXPECT_THAT(refusal_after(6, "PRAGMA user_version = 99"),
              testing::AllOf(HasSubstr("format 99"), HasSubstr("newer cppwax")));
}

TEST(StoreDamage, AFormatThatIsTooOldIsNamed) {
  EXPECT_THAT(refusal_after(6, "PRAGMA user_version = 1"),
              testing::AllOf(HasSubstr("format 1"), HasSubstr("make a new store")));
}

TEST(StoreDamage, AForeignDatabaseIsNamed) {
  EXPECT_THAT(refusal_after(7, "PRAGMA application_id = 0"), HasSubstr("no recovery partition"));
}

TEST(StoreDamage, AnotherFlowsStoreIsNamed) {
  MemoryDisk disk;
  PartitionFile file = test::make_partition(disk, kFile);
  SegmentStore(file).begin({});
  file.flow_id = "other";
  try {
    SegmentStore store(file);
    FAIL();
  } catch (const StoreError& error) {
    EXPECT_EQ(error.fault, StoreFault::kOtherFlow);
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr(kFile), HasSubstr("'flow'"),
                                             HasSubstr("'other'"), HasSubstr("of its own")));
  }
}

}  // namespace
}  // namespace cppwax::recovery
