#include "engine/progress/input_frontier.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "engine/base/error.hpp"

namespace cppwax::progress {
namespace {

using data::End;
using data::EndKind;

bool is_end(const std::optional<End>& end, EndKind kind, Epoch epoch) {
  return end && end->kind == kind && end->epoch == epoch;
}

TEST(InputFrontier, IsTheLeastOfItsSenders) {
  InputFrontier frontier(3, Epoch(5));
  EXPECT_EQ(frontier.least(), Epoch(5));
  frontier.advance(0, Epoch(9));
  frontier.advance(1, Epoch(7));
  EXPECT_EQ(frontier.least(), Epoch(5));
  frontier.advance(2, Epoch(6));
  EXPECT_EQ(frontier.least(), Epoch(6));
  frontier.advance(2, Epoch(8));
  EXPECT_EQ(frontier.least(), Epoch(7));
}

TEST(InputFrontier, TheSameFrontierTwiceChangesNothing) {
  InputFrontier frontier(1, Epoch(1));
  frontier.advance(0, Epoch(1));
  EXPECT_EQ(frontier.least(), Epoch(1));
}

TEST(InputFrontier, AnEndedSenderHoldsNothingOpen) {
  InputFrontier frontier(2, Epoch(1));
  frontier.advance(1, Epoch(4));
  frontier.end(0, {EndKind::kEof, Epoch(1)});
  EXPECT_EQ(frontier.least(), Epoch(4));
  EXPECT_FALSE(frontier.ended());
}

TEST(InputFrontier, EndsInTheGreatestEpochOfItsSenders) {
  InputFrontier frontier(3, Epoch(1));
  frontier.end(0, {EndKind::kEof, Epoch(2)});
  frontier.end(1, {EndKind::kEof, Epoch(6)});
  frontier.end(2, {EndKind::kEof, Epoch(4)});
  EXPECT_EQ(frontier.least(), std::nullopt);
  EXPECT_TRUE(is_end(frontier.ended(), EndKind::kEof, Epoch(6)));
}

TEST(InputFrontier, OneStoppedSenderMakesItStopped) {
  for (const std::size_t stopped : {0u, 1u}) {
    InputFrontier frontier(2, Epoch(1));
    frontier.end(stopped, {EndKind::kStopped, Epoch(2)});
    frontier.end(1 - stopped, {EndKind::kEof, Epoch(3)});
    EXPECT_TRUE(is_end(frontier.ended(), EndKind::kStopped, Epoch(3)));
  }
}

TEST(InputFrontier, WithoutSendersIsEndedFromTheStart) {
  const InputFrontier frontier(0, Epoch(8));
  EXPECT_EQ(frontier.least(), std::nullopt);
  EXPECT_TRUE(is_end(frontier.ended(), EndKind::kEof, Epoch(8)));
}

TEST(InputFrontier, AllowsOnlyWhatASenderMayStillSend) {
  InputFrontier frontier(2, Epoch(3));
  EXPECT_FALSE(frontier.allows(0, Epoch(2)));
  EXPECT_TRUE(frontier.allows(0, Epoch(3)));
  frontier.advance(0, Epoch(5));
  EXPECT_FALSE(frontier.allows(0, Epoch(4)));
  EXPECT_TRUE(frontier.allows(0, Epoch(6)));
  EXPECT_TRUE(frontier.allows(1, Epoch(3)));
  frontier.end(0, {EndKind::kEof, Epoch(5)});
  EXPECT_FALSE(frontier.allows(0, Epoch(6)));
}

TEST(InputFrontier, RefusesAFrontierThatGoesBack) {
  InputFrontier frontier(1, Epoch(3));
  frontier.advance(0, Epoch(5));
  EXPECT_THROW(frontier.advance(0, Epoch(4)), InvariantError);
  EXPECT_THROW(frontier.end(0, {EndKind::kEof, Epoch(4)}), InvariantError);
}

TEST(InputFrontier, RefusesAWordAfterTheEnd) {
  InputFrontier frontier(2, Epoch(1));
  frontier.end(0, {EndKind::kEof, Epoch(1)});
  EXPECT_THROW(frontier.advance(0, Epoch(2)), InvariantError);
  EXPECT_THROW(frontier.end(0, {EndKind::kEof, Epoch(1)}), InvariantError);
}

TEST(InputFrontier, RefusesASenderItDoesNotHave) {
  InputFrontier frontier(2, Epoch(1));
  EXPECT_THROW(frontier.advance(2, Epoch(2)), InvariantError);
  EXPECT_THROW(frontier.end(2, {EndKind::kEof, Epoch(2)}), InvariantError);
  EXPECT_THROW(frontier.allows(2, Epoch(2)), InvariantError);
}

// What the class means, by looking at everything each time.
struct Model {
  struct Sender {
    Epoch frontier;
    std::optional<End> end;
  };
  std::vector<Sender> senders;

  std::optional<Epoch> least() const {
    std::optional<Epoch> least;
    for (const Sender& sender : senders) {
      if (!sender.end) least = std::min(least.value_or(sender.frontier), sender.frontier);
    }
    return least;
  }
};

class InputFrontierAgainstModel : public testing::TestWithParam<unsigned> {};

TEST_P(InputFrontierAgainstModel, SaysTheSame) {
  std::mt19937 random(GetParam());
  const auto upto = [&](unsigned greatest) { return random() % (greatest + 1); };
  const Epoch first(1 + upto(3));
  Model model;
  model.senders.resize(1 + upto(6), {first, std::nullopt});
  InputFrontier frontier(model.senders.size(), first);
  std::optional<Epoch> before = frontier.least();

  while (model.least()) {
    const std::size_t sender = upto(static_cast<unsigned>(model.senders.size()) - 1);
    auto& [at, end] = model.senders[sender];
    if (end) continue;
    const Epoch epoch(at.value() + upto(2));
    if (upto(19) == 0) {
      end = End{upto(3) == 0 ? EndKind::kStopped : EndKind::kEof, epoch};
      frontier.end(sender, *end);
    } else {
      at = epoch;
      frontier.advance(sender, epoch);
    }
    ASSERT_EQ(frontier.least(), model.least());
    ASSERT_EQ(frontier.ended().has_value(), !model.least());
    if (frontier.least()) {
      ASSERT_LE(*before, *frontier.least()) << "it went back";
      before = frontier.least();
    }
  }

  const auto by_epoch = [](const auto& a, const auto& b) { return a.end->epoch < b.end->epoch; };
  const auto greatest = std::max_element(model.senders.begin(), model.senders.end(), by_epoch);
  const bool stopped = std::any_of(model.senders.begin(), model.senders.end(),
                                   [](const auto& s) { return s.end->kind == EndKind::kStopped; });
  EXPECT_TRUE(
      is_end(frontier.ended(), stopped ? EndKind::kStopped : EndKind::kEof, greatest->end->epoch));
}

INSTANTIATE_TEST_SUITE_P(Seeds, InputFrontierAgainstModel, testing::Range(0u, 50u));

}  // namespace
}  // namespace cppwax::progress
