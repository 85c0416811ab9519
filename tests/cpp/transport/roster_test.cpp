// Who may join, without sockets (docs/progress_and_snapshots.md P12).
#include "engine/transport/roster.hpp"

#include <gmock/gmock.h>

namespace cppwax::transport {
namespace {

using testing::HasSubstr;
using Reaction = Roster::Reaction;
using Meaning = Roster::Reply::Meaning;

RunId run(int number) {
  RunId id{};
  id[0] = static_cast<std::byte>(number);
  return id;
}

Roster roster_of(std::uint32_t process, RunId id = {}) {
  HelloFacts facts{"0.1.0", "3.11", 3, 2, false, "flow", "steps", 30'000};
  return {ProcessIndex(process), facts, {"zero:1", "one:1", "two:1"}, id};
}

// What `from` and `to` make of each other.
struct Meeting {
  Roster::Answer answer;
  Roster::Reply reply;
};

Meeting meet(Roster& from, const Roster& to) {
  const Roster::Answer answer = to.answer(from.greeting(to.own()), "10.0.0.9");
  return {answer, from.read_answer(to.own(), answer.hello)};
}

TEST(Roster, ProcessZeroGivesTheRunThatOthersMeetWith) {
  Roster zero = roster_of(0, run(7));
  Roster one = roster_of(1);
  Roster two = roster_of(2);
  for (Roster* other : {&one, &two}) {
    const Meeting meeting = meet(*other, zero);
    EXPECT_EQ(meeting.answer.reaction, Reaction::kJoin);
    EXPECT_EQ(meeting.reply.meaning, Meaning::kJoined);
    EXPECT_TRUE(zero.join(other->own()));
    EXPECT_TRUE(other->join(ProcessIndex(0)));
  }
  EXPECT_TRUE(zero.complete());
  EXPECT_EQ(meet(two, one).reply.meaning, Meaning::kJoined);
}

TEST(Roster, WhoKnowsNoRunYetAsksToComeAgain) {
  Roster one = roster_of(1);
  Roster two = roster_of(2, run(7));
  const Meeting meeting = meet(two, one);
  EXPECT_EQ(meeting.answer.reaction, Reaction::kRefuse);
  EXPECT_EQ(meeting.answer.text, "");
  EXPECT_EQ(meeting.reply.meaning, Meaning::kAgain);
}

TEST(Roster, AProcessOfAnotherStartIsRefusedAndEndsAlone) {
  Roster one = roster_of(1, run(8));
  Roster two = roster_of(2, run(7));
  const Meeting meeting = meet(two, one);
  EXPECT_EQ(meeting.answer.reaction, Reaction::kRefuse);
  EXPECT_THAT(meeting.answer.text, HasSubstr("process 2 (10.0.0.9) belongs to another start"));
  EXPECT_EQ(meeting.reply.meaning, Meaning::kFail);
  EXPECT_THAT(meeting.reply.text, HasSubstr("process 1 (one:1) belongs to another start"));
}

TEST(Roster, WhoRemembersARunFindsThatProcessZeroHasBegunAnew) {
  Roster zero = roster_of(0, run(8));
  Roster one = roster_of(1, run(7));
  const Meeting meeting = meet(one, zero);
  EXPECT_EQ(meeting.answer.reaction, Reaction::kRefuse);
  EXPECT_EQ(meeting.reply.meaning, Meaning::kFail);
}

TEST(Roster, ASecondProcessOfAnIndexIsRefused) {
  Roster zero = roster_of(0, run(7));
  Roster one = roster_of(1);
  Roster other_one = roster_of(1);
  meet(one, zero);
  zero.join(ProcessIndex(1));
  const Meeting meeting = meet(other_one, zero);
  EXPECT_EQ(meeting.answer.reaction, Reaction::kRefuse);
  EXPECT_THAT(meeting.answer.text, HasSubstr("second process 1"));
  EXPECT_EQ(meeting.reply.meaning, Meaning::kFail);
  EXPECT_THAT(meeting.reply.text, HasSubstr("process 0 (zero:1) has a process 1 already"));
  EXPECT_FALSE(zero.join(ProcessIndex(1)));
}

TEST(Roster, WhoComesLateIsToldThatAllHaveJoined) {
  Roster zero = roster_of(0, run(7));
  for (const std::uint32_t i : {1u, 2u}) zero.join(ProcessIndex(i));
  Roster one = roster_of(1);
  const Meeting meeting = meet(one, zero);
  EXPECT_EQ(meeting.answer.reaction, Reaction::kRefuse);
  EXPECT_EQ(meeting.reply.meaning, Meaning::kFail);
  EXPECT_THAT(meeting.reply.text, HasSubstr("says that all processes have joined"));
}

TEST(Roster, AMismatchFailsBothSidesWhileTheClusterForms) {
  Roster zero = roster_of(0, run(7));
  Roster one(ProcessIndex(1), {"0.2.0", "3.11", 3, 2, false, "flow", "steps", 30'000},
             {"zero:1", "one:1", "two:1"}, {});
  const Meeting meeting = meet(one, zero);
  EXPECT_EQ(meeting.answer.reaction, Reaction::kFail);
  EXPECT_THAT(meeting.answer.text, HasSubstr("runs cppwax 0.2.0"));
  EXPECT_EQ(meeting.reply.meaning, Meaning::kFail);
  EXPECT_THAT(meeting.reply.text, HasSubstr("runs cppwax 0.1.0"));
  // Afterwards it is the newcomer's trouble alone.
  for (const std::uint32_t i : {1u, 2u}) zero.join(ProcessIndex(i));
  EXPECT_EQ(meet(one, zero).answer.reaction, Reaction::kRefuse);
}

TEST(Roster, AnEchoIsAStranger) {
  Roster zero = roster_of(0, run(7));
  Roster one = roster_of(1);
  const Roster::Answer answer =
      zero.answer(zero.answer(one.greeting(ProcessIndex(0)), "h").hello, "10.0.0.9");
  EXPECT_EQ(answer.reaction, Reaction::kDrop);
  const Roster::Reply reply = one.read_answer(ProcessIndex(0), one.greeting(ProcessIndex(0)));
  EXPECT_EQ(reply.meaning, Meaning::kAgain);
  EXPECT_THAT(reply.text, HasSubstr("sends back what it is sent"));
}

TEST(Roster, NamesWhoIsMissing) {
  Roster one = roster_of(1, run(7));
  EXPECT_EQ(one.missing(), (std::vector{ProcessIndex(0), ProcessIndex(2)}));
  one.join(ProcessIndex(2));
  EXPECT_EQ(one.missing(), std::vector{ProcessIndex(0)});
  EXPECT_EQ(one.name(ProcessIndex(2)), "process 2 (two:1)");
}

TEST(Roster, AnAnswerWithoutARunIsNoAnswer) {
  Roster one = roster_of(1);
  Roster zero = roster_of(0, RunId{});
  Hello hello = zero.greeting(ProcessIndex(0));
  hello.role = Role::kListener;
  hello.dialler = ProcessIndex(1);
  hello.verdict = Verdict::kJoin;
  EXPECT_EQ(one.read_answer(ProcessIndex(0), hello).meaning, Meaning::kFail);
}

}  // namespace
}  // namespace cppwax::transport
