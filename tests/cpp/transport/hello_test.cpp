// Hellos there and back, malformed ones, and every mismatch as both sides tell it.
#include "engine/transport/hello.hpp"

#include <gmock/gmock.h>

#include <functional>

namespace cppwax::transport {
namespace {

using testing::HasSubstr;
using Kind = Mismatch::Kind;

HelloFacts facts() {
  return {"0.1.0", "3.11", 3, 2, false, "flow", std::string("\0\xff", 2), 30'000};
}

RunId run(int number) {
  RunId id{};
  id[0] = static_cast<std::byte>(number);
  return id;
}

// Process 2 dials process 1.
Hello dialler() {
  return {kOurWireVersion, facts(), Role::kDialler, ProcessIndex(2),
          ProcessIndex(1), run(1),  Verdict::kJoin};
}
Hello listener() {
  Hello hello = dialler();
  hello.role = Role::kListener;
  return hello;
}

std::variant<Hello, HelloError> read(const WireBytes& bytes) {
  if (bytes.size() < HelloPrefix::kBytes) return HelloError::kMalformed;
  const std::span<const std::byte> all(bytes);
  const auto prefix = HelloPrefix::read(all.first(HelloPrefix::kBytes));
  if (const auto* error = std::get_if<HelloError>(&prefix)) return *error;
  return read_hello_body(std::get<HelloPrefix>(prefix), all.subspan(HelloPrefix::kBytes));
}

TEST(Hello, ComesBack) {
  Hello hello = listener();
  hello.verdict = Verdict::kTaken;
  const Hello back = std::get<Hello>(read(hello.write()));
  EXPECT_EQ(back.facts.cppwax_version, "0.1.0");
  EXPECT_EQ(back.facts.python_version, "3.11");
  EXPECT_EQ(back.facts.process_count, 3u);
  EXPECT_EQ(back.facts.workers_per_process, 2u);
  EXPECT_FALSE(back.facts.recovery);
  EXPECT_EQ(back.facts.flow_id, "flow");
  EXPECT_EQ(back.facts.fingerprint, std::string("\0\xff", 2));
  EXPECT_EQ(back.facts.peer_timeout_ms, 30'000u);
  EXPECT_EQ(back.role, Role::kListener);
  EXPECT_EQ(back.dialler, ProcessIndex(2));
  EXPECT_EQ(back.listener, ProcessIndex(1));
  EXPECT_EQ(back.run, run(1));
  EXPECT_EQ(back.verdict, Verdict::kTaken);
}

TEST(Hello, IsNeverLongerThanAllowed) {
  Hello hello = dialler();
  hello.facts.cppwax_version = std::string(HelloFacts::kMaxVersion, 'v');
  hello.facts.python_version = std::string(HelloFacts::kMaxVersion, 'p');
  hello.facts.flow_id = std::string(5000, 'f');
  hello.facts.fingerprint = std::string(HelloFacts::kMaxFingerprint, 'x');
  const WireBytes bytes = hello.write();
  EXPECT_LE(bytes.size(), kMaxHelloBytes);
  EXPECT_TRUE(std::holds_alternative<Hello>(read(bytes)));
}

TEST(Hello, EveryOtherLengthIsRefused) {
  const WireBytes whole = dialler().write();
  for (std::size_t length = HelloPrefix::kBytes; length < whole.size(); ++length) {
    WireBytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(std::get<HelloError>(read(cut)), HelloError::kMalformed);
  }
  WireBytes more = whole;
  more.push_back(std::byte{0});
  EXPECT_EQ(std::get<HelloError>(read(more)), HelloError::kMalformed);
}

TEST(Hello, OtherFirstBytesAreNoHello) {
  WireBytes bytes = dialler().write();
  bytes[3] = std::byte{'w'};
  EXPECT_EQ(std::get<HelloError>(read(bytes)), HelloError::kNoHello);
}

TEST(Hello, LongOnesAreRefusedAtThePrefix) {
  WireBytes bytes = dialler().write();
  bytes[8] = std::byte{0x04};
  EXPECT_EQ(std::get<HelloError>(read(bytes)), HelloError::kTooLong);
}

TEST(Hello, OddValuesAreMalformed) {
  const WireBytes good = dialler().write();
  const std::size_t role = good.size() - 26;
  for (const std::size_t at : {role, role + 1}) {
    WireBytes bytes = good;
    bytes[at] = std::byte{9};
    EXPECT_EQ(std::get<HelloError>(read(bytes)), HelloError::kMalformed);
  }
}

TEST(Hello, OfAnotherWireVersionTellsItsVersion) {
  Hello hello = dialler();
  hello.wire_version = 2;
  hello.facts.cppwax_version = "7.0\x1b[31m";
  WireBytes bytes = hello.write();
  bytes.resize(HelloPrefix::kBytes + 1 + hello.facts.cppwax_version.size());
  const Hello back = std::get<Hello>(read(bytes));
  EXPECT_EQ(back.wire_version, 2);
  EXPECT_EQ(back.facts.cppwax_version, "7.0?[31m");
  for (const Hello& mine : {dialler(), listener()}) {
    const auto found = compare(mine, back, "h:1");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, Kind::kWireVersion);
    EXPECT_THAT(found->message, HasSubstr("cppwax 7.0"));
    EXPECT_THAT(found->message, HasSubstr("install the same version"));
  }
}

TEST(Compare, EqualOnesFit) {
  EXPECT_FALSE(compare(dialler(), listener(), "h:1"));
  EXPECT_FALSE(compare(listener(), dialler(), "h:1"));
}

TEST(Compare, OnlyWhoDialsProcessZeroMayKnowNoRun) {
  Hello asks = dialler();
  Hello zero = listener();
  asks.run = RunId{};
  const auto refused = compare(zero, asks, "h:1");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->kind, Kind::kRun);
  asks.listener = zero.listener = ProcessIndex(0);
  EXPECT_FALSE(compare(zero, asks, "h:1"));
  EXPECT_FALSE(compare(asks, zero, "h:1"));
}

TEST(Compare, OurOwnBytesAreReflected) {
  for (const Hello& mine : {dialler(), listener()}) {
    const auto found = compare(mine, mine, "h:1");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, Kind::kReflected);
  }
}

struct Case {
  Kind kind;
  std::function<void(Hello&)> change;
  std::string at_listener;  // part of what each side says
  std::string at_dialler;
};

void PrintTo(const Case& that, std::ostream* out) {
  *out << static_cast<int>(that.kind) << " " << that.at_listener;
}

class Mismatches : public testing::TestWithParam<Case> {};

// The dialler differs; both tell it, from where they stand.
TEST_P(Mismatches, AreToldOnBothSides) {
  Hello odd = dialler();
  GetParam().change(odd);
  const Hello heard = std::get<Hello>(read(odd.write()));
  Hello answer = listener();
  answer.dialler = heard.dialler;
  const auto at_listener = compare(answer, heard, "two:2101");
  const auto at_dialler = compare(odd, std::get<Hello>(read(answer.write())), "one:2101");
  ASSERT_TRUE(at_listener && at_dialler);
  EXPECT_EQ(at_listener->kind, GetParam().kind);
  EXPECT_EQ(at_dialler->kind, GetParam().kind);
  EXPECT_THAT(at_listener->message, HasSubstr(GetParam().at_listener));
  EXPECT_THAT(at_listener->message, HasSubstr("two:2101"));
  EXPECT_THAT(at_dialler->message, HasSubstr(GetParam().at_dialler));
  EXPECT_THAT(at_dialler->message, HasSubstr("one:2101"));
}

INSTANTIATE_TEST_SUITE_P(
    All, Mismatches,
    testing::Values(
        Case{Kind::kCppwaxVersion, [](Hello& h) { h.facts.cppwax_version = "0.2.0"; },
             "process 2 (two:2101) runs cppwax 0.2.0, this one (process 1) cppwax 0.1.0",
             "process 1 (one:2101) runs cppwax 0.1.0, this one (process 2) cppwax 0.2.0"},
        Case{Kind::kPythonVersion, [](Hello& h) { h.facts.python_version = "3.12"; },
             "runs Python 3.12", "runs Python 3.11"},
        Case{Kind::kProcessCount, [](Hello& h) { h.facts.process_count = 4; },
             "has 4 addresses in its list", "has 3 addresses in its list"},
        Case{Kind::kIndex, [](Hello& h) { h.listener = ProcessIndex(0); },
             "takes this process for process 0, it is process 1",
             "says that it is process 1; the address list says that it is process 0"},
        Case{Kind::kDataflow, [](Hello& h) { h.facts.flow_id = "other"; },
             "runs the dataflow \"other\", this one (process 1) \"flow\"",
             "runs the dataflow \"flow\", this one (process 2) \"other\""},
        Case{Kind::kDataflow, [](Hello& h) { h.facts.fingerprint = "z"; },
             "has other steps in the dataflow \"flow\"",
             "has other steps in the dataflow \"flow\""},
        Case{Kind::kWorkers, [](Hello& h) { h.facts.workers_per_process = 3; }, "has 3 workers",
             "has 2 workers"},
        Case{Kind::kRecovery, [](Hello& h) { h.facts.recovery = true; }, "runs with recovery",
             "runs without recovery"},
        Case{Kind::kRun, [](Hello& h) { h.run = run(2); },
             "process 2 (two:2101) belongs to another start",
             "process 1 (one:2101) belongs to another start"}));

TEST(Compare, ADiallerOutOfPlaceIsNamed) {
  for (const std::uint32_t index : {1u, 3u, 99u}) {
    Hello odd = dialler();
    odd.dialler = ProcessIndex(index);
    Hello answer = listener();
    answer.dialler = odd.dialler;
    const auto found = compare(answer, odd, "h:1");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, Kind::kIndex);
    EXPECT_THAT(found->message, HasSubstr("process " + std::to_string(index)));
  }
}

}  // namespace
}  // namespace cppwax::transport
