// A lost wake-up shows as a hang: the sleeps here have no timeout unless the timeout is the matter.
#include "engine/base/wakeup.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <pthread.h>

#include <csignal>
#include <set>
#include <thread>
#include <vector>

namespace cppwax {
namespace {

using namespace std::chrono_literals;

std::set<int> open_descriptors() {
  std::set<int> open;
  for (int descriptor = 0; descriptor < 1024; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) >= 0) open.insert(descriptor);
  }
  return open;
}

std::vector<int> opened_since(const std::set<int>& before) {
  std::vector<int> opened;
  for (const int descriptor : open_descriptors()) {
    if (!before.contains(descriptor)) opened.push_back(descriptor);
  }
  return opened;
}

bool readable(int descriptor) {
  pollfd polled{descriptor, POLLIN, 0};
  return poll(&polled, 1, 0) > 0;
}

TEST(Wakeup, NotifyBeforeTheSleepEndsIt) {
  Wakeup wakeup;
  wakeup.notify();
  wakeup.sleep(std::nullopt);
}

TEST(Wakeup, NotifyDuringTheSleepEndsIt) {
  Wakeup wakeup;
  std::atomic<bool> told{false};
  std::thread sleeper([&] {
    while (!told) wakeup.sleep(std::nullopt);
  });
  told = true;
  wakeup.notify();
  sleeper.join();
}

TEST(Wakeup, SleepsForTheTimeoutWithoutANotify) {
  Wakeup wakeup;
  const SteadyTime before = system_clock().steady();
  wakeup.sleep(2500us);
  EXPECT_GE(system_clock().steady() - before, 2500us);
}

TEST(Wakeup, NotifiesBeforeASleepEndOnlyThatOne) {
  Wakeup wakeup;
  wakeup.notify();
  wakeup.notify();
  wakeup.sleep(std::nullopt);
  const SteadyTime before = system_clock().steady();
  wakeup.sleep(2ms);
  EXPECT_GE(system_clock().steady() - before, 2ms);
}

TEST(Wakeup, DoesNotSleepWhenTheTimeIsOver) {
  Wakeup wakeup;
  wakeup.sleep(0us);
  wakeup.sleep(-5s);
}

// Two threads that wait for each other in every round. Returns the rounds that came to an end.
int play_ping_pong(Wakeup& ping, Wakeup& pong, int rounds) {
  std::atomic<int> pings{0};
  std::atomic<int> pongs{0};
  std::thread other([&] {
    for (int round = 1; round <= rounds; ++round) {
      while (pings.load(std::memory_order_relaxed) < round) ping.sleep(std::nullopt);
      pongs.store(round, std::memory_order_relaxed);
      pong.notify();
    }
  });
  for (int round = 1; round <= rounds; ++round) {
    pings.store(round, std::memory_order_relaxed);
    ping.notify();
    while (pongs.load(std::memory_order_relaxed) < round) pong.sleep(std::nullopt);
  }
  other.join();
  return pongs;
}

// Both orders of notify and sleep come often.
TEST(Wakeup, NoneIsLostBetweenTwoThreads) {
  Wakeup ping;
  Wakeup pong;
  EXPECT_EQ(play_ping_pong(ping, pong, 20'000), 20'000);
}

// The sleeper must see what each notifier wrote before, also of one that found it notified already.
TEST(Wakeup, NoneIsLostAmongManyNotifiers) {
  constexpr int kNotifiers = 3;
  constexpr int kEach = 50'000;
  Wakeup wakeup;
  std::vector<std::atomic<int>> written(kNotifiers);
  std::vector<std::thread> notifiers;
  for (auto& counter : written) {
    notifiers.emplace_back([&] {
      for (int i = 1; i <= kEach; ++i) {
        counter.store(i, std::memory_order_relaxed);
        wakeup.notify();
      }
    });
  }
  const auto all_written = [&] {
    int sum = 0;
    for (const auto& counter : written) sum += counter.load(std::memory_order_relaxed);
    return sum == kNotifiers * kEach;
  };
  while (!all_written()) wakeup.sleep(std::nullopt);
  for (std::thread& notifier : notifiers) notifier.join();
}

TEST(Wakeup, ASignalToTheThreadEndsTheSleep) {
  struct sigaction quiet{};
  struct sigaction before{};
  quiet.sa_handler = [](int) {};
  ASSERT_EQ(sigaction(SIGUSR1, &quiet, &before), 0);
  Wakeup wakeup;
  std::atomic<bool> returned{false};
  std::thread sleeper([&] {
    wakeup.sleep(std::nullopt);
    returned = true;
  });
  // Again and again: the first may come before the thread sleeps.
  while (!returned) {
    pthread_kill(sleeper.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  sleeper.join();
  ASSERT_EQ(sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST(Wakeup, ItsDescriptorIsNotInheritedAndDoesNotBlock) {
  const std::set<int> before = open_descriptors();
  {
    const Wakeup wakeup;
    const std::vector<int> opened = opened_since(before);
    ASSERT_FALSE(opened.empty());
    for (const int descriptor : opened) {
      EXPECT_TRUE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
      EXPECT_TRUE(fcntl(descriptor, F_GETFL) & O_NONBLOCK);
    }
  }
  EXPECT_TRUE(opened_since(before).empty());
}

TEST(Wakeup, NotifyCostsNoSystemCallWhileNobodySleeps) {
  const std::set<int> before = open_descriptors();
  Wakeup wakeup;
  wakeup.notify();
  const std::vector<int> opened = opened_since(before);
  ASSERT_FALSE(opened.empty());
  for (const int descriptor : opened) EXPECT_FALSE(readable(descriptor));
}

// Or every later sleep would return at once, and the worker would turn into a busy loop.
TEST(Wakeup, ASleepThatIsEndedLeavesNothingBehind) {
  const std::set<int> before = open_descriptors();
  Wakeup ping;
  Wakeup pong;
  play_ping_pong(ping, pong, 1'000);
  const std::vector<int> opened = opened_since(before);
  ASSERT_FALSE(opened.empty());
  for (const int descriptor : opened) EXPECT_FALSE(readable(descriptor));
}

}  // namespace
}  // namespace cppwax
