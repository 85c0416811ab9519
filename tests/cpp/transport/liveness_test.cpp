#include "engine/transport/liveness.hpp"

#include <gmock/gmock.h>

#include "support/fake_clock.hpp"

namespace cppwax::transport {
namespace {

using namespace std::chrono_literals;
using Verdict = Liveness::Verdict;

class LivenessTest : public testing::Test {
 protected:
  // The verdicts of `count` checks, one a second.
  std::vector<Verdict> check(int count) {
    std::vector<Verdict> verdicts;
    for (int i = 0; i < count; ++i) {
      clock_.advance(1s);
      verdicts.push_back(liveness_.check(clock_.steady()));
    }
    return verdicts;
  }

  test::FakeClock clock_;
  Liveness liveness_{{1s, 5s, 30s}, clock_.steady()};
};

TEST_F(LivenessTest, WarnsOnceThenLoses) {
  const std::vector<Verdict> verdicts = check(30);
  for (int i = 0; i < 29; ++i) {
    EXPECT_EQ(verdicts[static_cast<std::size_t>(i)], i == 4 ? Verdict::kSilent : Verdict::kFine);
  }
  EXPECT_EQ(verdicts[29], Verdict::kLost);
  EXPECT_EQ(liveness_.silent(), 30s);
}

TEST_F(LivenessTest, AnyByteIsASignOfLife) {
  for (int i = 0; i < 100; ++i) {
    liveness_.heard();
    EXPECT_THAT(check(4), testing::Each(Verdict::kFine));
  }
}

TEST_F(LivenessTest, TellsThatItIsBack) {
  EXPECT_EQ(check(20)[4], Verdict::kSilent);
  liveness_.heard();
  EXPECT_EQ(check(1)[0], Verdict::kBack);
  EXPECT_EQ(check(5)[4], Verdict::kSilent);
}

TEST_F(LivenessTest, OwnStandstillIsNotThePeers) {
  check(3);
  clock_.advance(3600s);
  EXPECT_NE(liveness_.check(clock_.steady()), Verdict::kLost);
  EXPECT_LE(liveness_.silent(), 6s);
}

}  // namespace
}  // namespace cppwax::transport
