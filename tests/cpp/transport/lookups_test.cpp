// Names that are looked up on threads of their own, and what hangs there.
#include "engine/transport/lookups.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>

namespace cppwax::transport {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// What comes of a lookup; a promise that is dropped says that nobody was told.
std::future<Found> ask(Lookups& lookups, const std::string& host) {
  const auto answer = std::make_shared<std::promise<Found>>();
  lookups.start(host, [answer](const Found& found) { answer->set_value(found); });
  return answer->get_future();
}

bool was_told(std::future<Found>& answer) {
  try {
    answer.get();
    return true;
  } catch (const std::future_error&) {
    return false;
  }
}

TEST(Lookups, FindNumbersOfBothKinds) {
  Lookups lookups;
  const Found found = ask(lookups, "localhost").get();
  EXPECT_THAT(found.trouble, IsEmpty());
  EXPECT_THAT(found.numbers, testing::Contains(testing::AnyOf("127.0.0.1", "::1")));
}

TEST(Lookups, SayWhyThereAreNone) {
  Lookups lookups;
  const Found found = ask(lookups, "no-such-host.invalid").get();
  EXPECT_THAT(found.trouble, testing::Not(IsEmpty()));
  EXPECT_THAT(found.numbers, IsEmpty());
}

// Answers only once it is let.
struct Hanging {
  std::promise<void> opened;
  std::shared_future<void> open{opened.get_future()};
  std::shared_ptr<std::atomic<int>> calls = std::make_shared<std::atomic<int>>(0);

  std::function<Found(const std::string&)> lookup() const {
    return [open = open, calls = calls](const std::string& host) -> Found {
      ++*calls;
      if (host == "slow") open.wait();
      return {{host + "'s"}, ""};
    };
  }
};

TEST(Lookups, OfOneNameDoNotWaitForThoseOfAnother) {
  Hanging hanging;
  Lookups lookups(hanging.lookup());
  auto slow = ask(lookups, "slow");
  EXPECT_THAT(ask(lookups, "fast").get().numbers, testing::ElementsAre("fast's"));
  hanging.opened.set_value();
  EXPECT_THAT(slow.get().numbers, testing::ElementsAre("slow's"));
}

TEST(Lookups, OfOneNameAreOneThread) {
  Hanging hanging;
  Lookups lookups(hanging.lookup());
  auto first = ask(lookups, "slow");
  auto second = ask(lookups, "slow");
  hanging.opened.set_value();
  EXPECT_EQ(first.get().numbers, second.get().numbers);
  EXPECT_EQ(*hanging.calls, 1);
  ask(lookups, "slow").get();
  EXPECT_EQ(*hanging.calls, 2);  // not kept: a name may change its meaning
}

TEST(Lookups, ThatHangHoldNobodyUp) {
  Hanging hanging;
  auto lookups = std::make_unique<Lookups>(hanging.lookup());
  auto slow = ask(*lookups, "slow");
  lookups.reset();
  EXPECT_FALSE(was_told(slow));
  hanging.opened.set_value();
}

TEST(Lookups, ThatThrowAreATrouble) {
  Lookups lookups([](const std::string&) -> Found { throw std::runtime_error("no memory"); });
  EXPECT_THAT(ask(lookups, "any").get().trouble, HasSubstr("no memory"));
}

}  // namespace
}  // namespace cppwax::transport
