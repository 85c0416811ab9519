// Processes that open a store together: who gets what, and what all of them refuse alike.
#include "engine/worker/recovery_session.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/graph/plan.hpp"
#include "engine/recovery/segment_store.hpp"
#include "engine/recovery/store_folder.hpp"
#include "engine/recovery/store_view.hpp"
#include "support/temp_folder.hpp"

namespace cppwax::worker {
namespace {

namespace fs = std::filesystem;
using test::TempFolder;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

// Where processes tell each other; `break_off` lets nobody come to an end.
class Meeting {
 public:
  explicit Meeting(std::size_t count) : count_(count) {}

  Gather seat(std::size_t process) {
    return [this, process](transport::Report own) { return gather(process, std::move(own)); };
  }

  void break_off() {
    const std::lock_guard lock(mutex_);
    broken_off_ = true;
    changed_.notify_all();
  }

 private:
  std::optional<transport::ReportRound> gather(std::size_t process, transport::Report own) {
    std::unique_lock lock(mutex_);
    const std::size_t round = rounds_of_[process]++;
    if (rounds_.size() <= round) rounds_.emplace_back(count_);
    rounds_[round][process] = std::move(own);
    ++told_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return broken_off_ || told_ >= (round + 1) * count_; });
    if (broken_off_) return std::nullopt;
    return rounds_[round];
  }

  const std::size_t count_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<transport::ReportRound> rounds_;
  std::vector<std::size_t> rounds_of_ = std::vector<std::size_t>(count_, 0);
  std::size_t told_ = 0;
  bool broken_off_ = false;
};

graph::Plan plan_of(const StepId& keyed = "flow.keyed",
                    graph::StepKind kind = graph::StepKind::kStatefulBatch) {
  graph::PlanBuilder builder("flow");
  builder.add("flow.in", graph::StepKind::kSourceDynamic, {}, {"flow.in.down"});
  builder.add(keyed, kind, {"flow.in.down"}, {"flow.keyed.down"});
  builder.add("flow.out", graph::StepKind::kSinkDynamic, {"flow.keyed.down"}, {});
  return std::move(builder).build();
}

using Sessions = std::vector<std::unique_ptr<RecoverySession>>;

Sessions sessions_of(const std::vector<RecoverySettings>& settings) {
  Sessions sessions;
  for (const RecoverySettings& each : settings) {
    sessions.push_back(std::make_unique<RecoverySession>(each));
  }
  return sessions;
}

// What each says of opening: "open", "broken off", or its error.
std::vector<std::string> open(Sessions& sessions, std::uint32_t workers,
                              const graph::Plan& plan = plan_of()) {
  Meeting meeting(sessions.size());
  std::vector<std::future<std::string>> opened;
  for (std::uint32_t p = 0; p < sessions.size(); ++p) {
    opened.push_back(std::async(std::launch::async, [&, p]() -> std::string {
      try {
        const Place place{ProcessIndex(p), workers};
        return sessions[p]->open(plan, place, meeting.seat(p)) ? "open" : "broken off";
      } catch (const RecoveryError& error) {
        return error.what();
      }
    }));
  }
  std::vector<std::string> said;
  for (auto& each : opened) said.push_back(each.get());
  return said;
}

// Each partition's primary, if all agree on it and it alone has the partition.
std::vector<std::uint32_t> owners(const Sessions& sessions, std::uint32_t workers) {
  std::vector<std::uint32_t> owners;
  for (const WorkerIndex primary : sessions[0]->access(0).primaries) {
    owners.push_back(primary.value());
  }
  for (std::uint32_t w = 0; w < sessions.size() * workers; ++w) {
    const operators::StoreAccess& access = sessions[w / workers]->access(w % workers);
    for (std::size_t p = 0; p < owners.size(); ++p) {
      EXPECT_EQ(access.primaries[p], WorkerIndex(owners[p]));
      EXPECT_EQ(access.own[p] != nullptr, owners[p] == w) << "worker " << w << " partition " << p;
    }
  }
  return owners;
}

TEST(RecoverySession, ProcessesShareThePartitionsOfAFolder) {
  const TempFolder folder;
  recovery::init_store(folder.path(), 6);
  Sessions sessions = sessions_of({{folder.path()}, {folder.path()}});
  EXPECT_THAT(open(sessions, 2), Each("open"));
  EXPECT_THAT(owners(sessions, 2), ElementsAre(0, 2, 1, 3, 0, 2));
  for (const auto& session : sessions) session->close();
}

TEST(RecoverySession, PartitionsMayLieWithAnyProcess) {
  const TempFolder one, two;
  recovery::init_store(one.path(), 3);
  fs::rename(one / "part-1.sqlite3", two / "part-1.sqlite3");
  Sessions sessions = sessions_of({{one.path()}, {two.path()}});
  EXPECT_THAT(open(sessions, 1), Each("open"));
  EXPECT_THAT(owners(sessions, 1), ElementsAre(0, 1, 0));
  for (const auto& session : sessions) session->close();
}

TEST(RecoverySession, AllBeginTheSameExecution) {
  const TempFolder folder;
  recovery::init_store(folder.path(), 2);
  for (std::uint64_t number = 1; number <= 3; ++number) {
    Sessions sessions = sessions_of({{folder.path()}, {folder.path()}});
    ASSERT_THAT(open(sessions, 1), Each("open"));
    for (const auto& session : sessions) {
      EXPECT_EQ(session->access(0).execution().number, number);
      EXPECT_EQ(session->access(0).is_resume, number > 1);
    }
    for (const auto& session : sessions) session->close();
  }
}

TEST(RecoverySession, WhatOneFindsWrongAllRefuse) {
  const TempFolder folder;
  recovery::init_store(folder.path(), 2);
  Sessions sessions = sessions_of({{folder.path()}, {(folder / "none").string()}, {folder.path()}});
  const auto said = open(sessions, 1);
  EXPECT_THAT(said[0], AllOf(HasSubstr("process 1: "), HasSubstr("none")));
  EXPECT_EQ(said[2], said[0]);
  EXPECT_EQ("process 1: " + said[1], said[0]);
  Sessions again = sessions_of({{folder.path()}});
  EXPECT_THAT(open(again, 1), Each("open"));
}

TEST(RecoverySession, AFileThatCannotBeOpenedIsRefusedByAll) {
  const TempFolder folder;
  recovery::init_store(folder.path(), 2);
  Sessions holds = sessions_of({{folder.path()}});
  ASSERT_THAT(open(holds, 1), Each("open"));
  Sessions sessions = sessions_of({{folder.path()}, {folder.path()}});
  EXPECT_THAT(open(sessions, 1), Each(HasSubstr("in use")));
  holds[0]->close();
}

// A store of two partitions that a run has written to, and died.
class StrangeStates : public testing::Test {
 protected:
  StrangeStates() {
    recovery::init_store(folder_.path(), 2);
    for (const auto& each : recovery::find_partitions(folder_.path()).partitions) {
      run_.push_back(std::make_unique<recovery::SegmentStore>(
          recovery::PartitionFile{each.path, each.identity, "flow"}));
      run_.back()->begin({});
    }
  }

  // The next epoch of a partition: its key "a" of the step gets a state, or loses it.
  void commit(std::size_t partition, std::optional<std::string> state) {
    const Epoch epoch = run_[partition]->history().durable.next();
    run_[partition]->write(epoch, "flow.keyed", {{"a", std::move(state)}});
    run_[partition]->commit(epoch);
  }

  void commit_both() {
    commit(0, "1");
    commit(1, "1");
  }

  // Two processes; of each, whether it drops what the flow does not have, or refuses it.
  std::vector<std::string> open_renamed(const std::vector<bool>& drops, bool refuses) {
    return open_as(plan_of("flow.renamed"), drops, refuses);
  }

  std::vector<std::string> open_as(const graph::Plan& plan, const std::vector<bool>& drops,
                                   bool refuses) {
    run_.clear();
    Sessions sessions = sessions_of({{folder_.path(), 0, drops[0], refuses && !drops[0]},
                                     {folder_.path(), 0, drops[1], refuses && !drops[1]}});
    auto said = open(sessions, 1, plan);
    for (std::size_t p = 0; p < 2; ++p) {
      for (const std::string& warning : sessions[p]->warnings()) said[p] += ": " + warning;
      sessions[p]->close();
    }
    return said;
  }

  bool has_segments() const { return !recovery::StoreView({folder_.path()}).steps().empty(); }

  TempFolder folder_;
  std::vector<std::unique_ptr<recovery::SegmentStore>> run_;
};

TEST_F(StrangeStates, AreRefusedByAll) {
  commit_both();
  EXPECT_THAT(open_renamed({false, false}, true),
              Each(AllOf(HasSubstr("'flow.keyed'"), HasSubstr("--drop-state"))));
}

TEST_F(StrangeStates, AreDroppedIfAllSaySo) {
  commit_both();
  EXPECT_THAT(open_renamed({true, false}, true), Each(HasSubstr("some processes")));
  EXPECT_THAT(open_renamed({true, true}, true), Each("open"));
  EXPECT_THAT(open_renamed({false, false}, true), Each("open"));
  EXPECT_FALSE(has_segments());
}

// One partition is an epoch ahead, in which its last state was discarded. The run goes on from the
// epoch before.
TEST_F(StrangeStates, AreDroppedWhereTheyWereDiscardedTooLate) {
  commit_both();
  commit(0, std::nullopt);
  EXPECT_THAT(open_renamed({false, false}, true), Each(HasSubstr("'flow.keyed'")));
  EXPECT_THAT(open_renamed({true, true}, true), Each("open"));
  EXPECT_FALSE(has_segments());
}

TEST_F(StrangeStates, AreRefusedThoughDiscardedTooLate) {
  commit_both();
  commit(0, "2");
  commit(1, std::nullopt);
  commit(0, std::nullopt);
  EXPECT_THAT(open_renamed({false, false}, true), Each(HasSubstr("'flow.keyed'")));
  EXPECT_THAT(open_renamed({true, true}, true), Each("open"));
  EXPECT_FALSE(has_segments());
}

TEST_F(StrangeStates, AreNoneIfTheyCameTooLate) {
  commit(0, "1");
  EXPECT_THAT(open_renamed({false, false}, true), Each("open"));
  EXPECT_FALSE(has_segments());
}

TEST_F(StrangeStates, AreElseToldByOne) {
  commit_both();
  EXPECT_THAT(open_renamed({false, false}, false),
              ElementsAre(AllOf(HasSubstr("open: "), HasSubstr("'flow.keyed'")), "open"));
}

TEST_F(StrangeStates, AreAlsoThoseOfAStepThatKeepsNoneAnyMore) {
  commit_both();
  const graph::Plan plan = plan_of("flow.keyed", graph::StepKind::kFlatMapBatch);
  const auto told = HasSubstr("keep no state any more: 'flow.keyed'");
  EXPECT_THAT(open_as(plan, {false, false}, true), Each(AllOf(told, HasSubstr("--drop-state"))));
  EXPECT_THAT(open_as(plan, {false, false}, false),
              ElementsAre(AllOf(HasSubstr("open: "), told), "open"));
  EXPECT_TRUE(has_segments());
  const graph::Plan of_parts = plan_of("flow.keyed.part", graph::StepKind::kFlatMapBatch);
  EXPECT_THAT(open_as(of_parts, {false, false}, true), Each(told));
  EXPECT_THAT(open_as(plan, {true, true}, true), Each("open"));
  EXPECT_FALSE(has_segments());
}

TEST(RecoverySession, ComesToNoEndWithoutTheOthers) {
  const TempFolder folder;
  recovery::init_store(folder.path(), 2);
  Meeting meeting(2);
  RecoverySession alone({folder.path()});
  auto opened = std::async(std::launch::async, [&] {
    return alone.open(plan_of(), {ProcessIndex(0), 1}, meeting.seat(0));
  });
  meeting.break_off();
  EXPECT_FALSE(opened.get());
  Sessions again = sessions_of({{folder.path()}});
  EXPECT_THAT(open(again, 1), Each("open"));
}

}  // namespace
}  // namespace cppwax::worker
