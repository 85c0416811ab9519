// Joining of batches: a source that gives an item at a time is polled several times in a turn.
#include <gmock/gmock.h>

#include "engine/base/error.hpp"
#include "support/source_bench.hpp"

namespace cppwax::operators {
namespace {

using namespace std::chrono_literals;
using test::aborts;
using test::gives;
using test::has_nothing;
using test::Script;
using test::SourceBench;
using testing::ElementsAre;
using testing::IsEmpty;

// Batches are joined from the poll after so many quick ones.
constexpr int kQuickBefore = 16;

Script singles(int count) {
  Script script;
  for (int i = 0; i < count; ++i) script.push_back(gives({i}));
  return script;
}

// A part that has been quick for as long as it takes, with `rest` to come.
Script quick_then(Script rest) {
  Script script = singles(kQuickBefore - 1);
  script.insert(script.end(), rest.begin(), rest.end());
  return script;
}

struct JoiningBench : SourceBench {
  explicit JoiningBench(std::vector<Script> scripts, Before before = {})
      : SourceBench(std::move(scripts), {5000, 100000}, std::move(before)) {
    host.joining = true;
  }
  void pass_quick_polls() {
    for (int i = 0; i + 1 < kQuickBefore; ++i) turn();
  }
};

TEST(SourceJoining, BeginsAfterSomeQuickPolls) {
  JoiningBench bench({singles(20)});
  for (int i = 0; i + 1 < kQuickBefore; ++i) {
    EXPECT_THAT(bench.turn(), ElementsAre("1:[" + std::to_string(i) + "]"));
  }
  EXPECT_THAT(bench.turn(), ElementsAre("1:[15 16 17 18 19]", "Eof1"));
}

TEST(SourceJoining, EndsAtAThousandItems) {
  JoiningBench bench({singles(3000)});
  bench.pass_quick_polls();
  bench.turn();
  EXPECT_EQ(bench.polls(), 1000u + kQuickBefore - 1);
}

TEST(SourceJoining, EndsWhereCreditDoes) {
  JoiningBench bench({singles(3000)});
  bench.pass_quick_polls();
  bench.down.sender()->send(kFirstEpoch, test::ints(test::counting(4980)));
  bench.down.take();
  EXPECT_THAT(bench.turn(), ElementsAre("1:[15 16 17 18 19]"));
  EXPECT_THAT(bench.turn(), IsEmpty());
}

TEST(SourceJoining, LetsAnItemGoThatIsFollowedByNothing) {
  JoiningBench bench({quick_then({gives({100}), has_nothing(), gives({200})})});
  bench.pass_quick_polls();
  EXPECT_THAT(bench.turn(), ElementsAre("1:[100]"));
}

TEST(SourceJoining, LetsAnItemGoBeforeTheSourceSleeps) {
  JoiningBench bench({quick_then({gives({100}), gives({101}, 5s), gives({200})})});
  bench.pass_quick_polls();
  EXPECT_THAT(bench.turn(), ElementsAre("1:[100 101]"));
  EXPECT_THAT(bench.turn(), IsEmpty());
}

TEST(SourceJoining, EndsAfterASlowPollAndBeginsAnew) {
  SourceBench* running = nullptr;
  int polls = 0;
  JoiningBench bench({singles(100)}, [&](const std::string& call, test::Seat) {
    if (call == "next_batch" && ++polls == kQuickBefore + 2) running->host.time.advance(60us);
  });
  running = &bench;
  bench.pass_quick_polls();
  EXPECT_THAT(bench.turn(), ElementsAre("1:[15 16 17]"));
  EXPECT_THAT(bench.turn(), ElementsAre("1:[18]"));
}

TEST(SourceJoining, HoldsNothingForLongerThanAMillisecond) {
  SourceBench* running = nullptr;
  JoiningBench bench({singles(1000)}, [&](const std::string& call, test::Seat) {
    if (call == "next_batch") running->host.time.advance(40us);
  });
  running = &bench;
  bench.pass_quick_polls();
  bench.turn();
  EXPECT_EQ(bench.polls(), 25u + kQuickBefore - 1);
}

TEST(SourceJoining, AFailureComesOutAfterWhatCameBefore) {
  int polls = 0;
  JoiningBench bench({singles(100)}, [&](const std::string& call, test::Seat) {
    if (call == "next_batch" && ++polls == kQuickBefore + 2) {
      throw UserCodeError("polling", nullptr);
    }
  });
  bench.pass_quick_polls();
  EXPECT_THAT(bench.turn(), ElementsAre("1:[15 16]"));
  EXPECT_TRUE(bench.again);
  EXPECT_THROW(bench.turn(), UserCodeError);
}

TEST(SourceJoining, AnAbortDropsWhatIsHeld) {
  JoiningBench bench({quick_then({gives({100}), gives({101}), aborts()})});
  bench.pass_quick_polls();
  EXPECT_THAT(bench.turn(), IsEmpty());
  EXPECT_TRUE(bench.host.aborted);
}

TEST(SourceJoining, NotWithSeveralParts) {
  JoiningBench bench({singles(40), singles(40)});
  for (int i = 0; i < 40; ++i) {
    const std::string batch = "1:[" + std::to_string(i) + "]";
    EXPECT_THAT(bench.turn(), ElementsAre(batch, batch));
  }
}

TEST(SourceJoining, NotWhereRoundsCanBeSeen) {
  JoiningBench bench({singles(40)});
  bench.host.joining = false;
  for (int i = 0; i < 40; ++i) {
    EXPECT_THAT(bench.turn(), ElementsAre("1:[" + std::to_string(i) + "]"));
  }
}

}  // namespace
}  // namespace cppwax::operators
