// A lost delivery or wake-up shows as a hang: waits here have no deadline unless it is the matter.
#include "engine/channel/mailbox.hpp"

#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include "support/fake_clock.hpp"
#include "support/int_payload.hpp"

namespace cppwax::channel {
namespace {

using namespace std::chrono_literals;

Delivery credit(std::uint32_t receiver, std::uint64_t epoch) {
  return CreditDelivery{ChannelIndex(0), WorkerIndex(receiver), Epoch(epoch), {}};
}

std::vector<std::uint64_t> epochs_of(const std::deque<Delivery>& deliveries) {
  std::vector<std::uint64_t> epochs;
  for (const Delivery& delivery : deliveries) {
    epochs.push_back(std::get<CreditDelivery>(delivery).epoch.value());
  }
  return epochs;
}

TEST(Mailbox, GivesEverythingOnceOldestFirst) {
  Mailbox mailbox;
  EXPECT_TRUE(mailbox.take_all().empty());
  for (const std::uint64_t epoch : {3, 1, 2}) mailbox.post(credit(0, epoch));
  EXPECT_EQ(epochs_of(mailbox.take_all()), (std::vector<std::uint64_t>{3, 1, 2}));
  EXPECT_TRUE(mailbox.take_all().empty());
  mailbox.post(credit(0, 4));
  EXPECT_EQ(epochs_of(mailbox.take_all()), std::vector<std::uint64_t>{4});
}

TEST(Mailbox, CarriesEveryKindOfDelivery) {
  Mailbox mailbox;
  mailbox.post(
      DataDelivery{ChannelIndex(3), WorkerIndex(1), data::Batch{Epoch(2), test::ints({7, 8})}});
  mailbox.post(Control(Stop{Epoch(5)}));
  auto taken = mailbox.take_all();
  ASSERT_EQ(taken.size(), 2u);
  const auto& data = std::get<DataDelivery>(taken[0]);
  EXPECT_EQ(data.channel, ChannelIndex(3));
  EXPECT_EQ(data.sender, WorkerIndex(1));
  EXPECT_EQ(test::values_of(std::get<data::Batch>(data.message).payload), (test::Ints{7, 8}));
  EXPECT_EQ(std::get<Stop>(std::get<Control>(taken[1])).epoch, Epoch(5));
}

TEST(Mailbox, DoesNotWaitWhileSomethingIsThere) {
  Mailbox mailbox;
  const test::FakeClock clock;
  mailbox.post(credit(0, 1));
  mailbox.wait(std::nullopt, clock);
  mailbox.wait(std::nullopt, clock);
  EXPECT_EQ(mailbox.take_all().size(), 1u);
}

TEST(Mailbox, WakeEndsTheNextWait) {
  Mailbox mailbox;
  const test::FakeClock clock;
  mailbox.wake();
  mailbox.wait(std::nullopt, clock);
  EXPECT_TRUE(mailbox.take_all().empty());
}

TEST(Mailbox, WakeEndsThePresentWait) {
  Mailbox mailbox;
  std::atomic<bool> over{false};
  std::thread owner([&] {
    const test::FakeClock clock;
    while (!over) mailbox.wait(std::nullopt, clock);
  });
  over = true;
  mailbox.wake();
  owner.join();
}

TEST(Mailbox, DoesNotWaitForADeadlineThatIsOver) {
  Mailbox mailbox;
  const test::FakeClock clock;
  mailbox.wait(clock.steady(), clock);
  mailbox.wait(clock.steady() - 10min, clock);
}

TEST(Mailbox, WaitsForTheDeadline) {
  Mailbox mailbox;
  const SteadyTime deadline = system_clock().steady() + 2500us;
  mailbox.wait(deadline, system_clock());
  EXPECT_GE(system_clock().steady(), deadline);
}

TEST(Mailbox, KeepsTheOrderOfEachPosterAndLosesNothing) {
  constexpr std::uint32_t kPosters = 3;
  constexpr std::uint64_t kEach = 20'000;
  Mailbox mailbox;
  std::vector<std::thread> posters;
  for (std::uint32_t poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&mailbox, poster] {
      for (std::uint64_t i = 1; i <= kEach; ++i) mailbox.post(credit(poster, i));
    });
  }
  std::vector<std::uint64_t> last(kPosters, 0);
  std::uint64_t taken = 0;
  while (taken < kPosters * kEach) {
    const auto deliveries = mailbox.take_all();
    if (deliveries.empty()) mailbox.wait(std::nullopt, system_clock());
    for (const Delivery& delivery : deliveries) {
      const auto& from = std::get<CreditDelivery>(delivery);
      auto& before = last[from.receiver.value()];
      EXPECT_EQ(from.epoch.value(), before + 1);
      before = from.epoch.value();
      ++taken;
    }
  }
  for (std::thread& poster : posters) poster.join();
  EXPECT_TRUE(mailbox.take_all().empty());
}

// One delivery at a time: the poster meets the owner at every place between looking and sleeping.
TEST(Mailbox, WakesItsOwnerForEachSingleDelivery) {
  constexpr std::uint64_t kRounds = 10'000;
  Mailbox there;
  Mailbox back;
  const auto take_one = [](Mailbox& mailbox) {
    for (;;) {
      const auto deliveries = mailbox.take_all();
      if (!deliveries.empty()) return std::get<CreditDelivery>(deliveries.front()).epoch;
      mailbox.wait(std::nullopt, system_clock());
    }
  };
  std::thread echo([&] {
    for (std::uint64_t i = 1; i <= kRounds; ++i) back.post(credit(0, take_one(there).value()));
  });
  for (std::uint64_t i = 1; i <= kRounds; ++i) {
    there.post(credit(0, i));
    ASSERT_EQ(take_one(back), Epoch(i));
  }
  echo.join();
}

}  // namespace
}  // namespace cppwax::channel
