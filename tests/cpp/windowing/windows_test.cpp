// The containers of open windows. That they do what the Python form does is in vectors_test.cpp.
#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/windowing/session_windows.hpp"
#include "engine/windowing/sliding_windows.hpp"
#include "engine/windowing/waiting_values.hpp"

namespace cppwax::windowing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Contents can only be moved, as references to Python objects would be.
using Content = std::unique_ptr<std::string>;

Content nothing() {
  return std::make_unique<std::string>();
}

template <class Windows>
void insert(Windows& windows, const typename Windows::Shape& shape, Micros when, char value) {
  windows.insert(shape, when, nothing, [&](WindowId, Content& content) { *content += value; });
}

template <class Windows>
std::vector<std::string> closed(Windows& windows, const typename Windows::Shape& shape,
                                Micros watermark) {
  std::vector<std::string> told;
  windows.close(shape, watermark,
                [&](WindowId id, Content content, const WindowBounds& bounds,
                    const std::vector<WindowId>& merged) {
                  std::string text = std::to_string(id) + ":" + *content + "[" +
                                     std::to_string(bounds.open) + "," +
                                     std::to_string(bounds.close) + "]";
                  for (const WindowId from : merged) text += "+" + std::to_string(from);
                  told.push_back(std::move(text));
                });
  return told;
}

template <class Windows>
std::vector<std::string> merged(Windows& windows) {
  std::vector<std::string> told;
  windows.merge([&](WindowId, Content from, WindowId into_id, Content& into) {
    told.push_back(*from + ">" + std::to_string(into_id));
    *into += *from;
  });
  return told;
}

TEST(SlidingWindows, CloseInTheOrderInWhichTheyWereOpened) {
  const WindowGrid grid(10, 10, 0);
  SlidingWindows<Content> windows;
  for (const auto& [when, value] : {std::pair{25, 'a'}, {3, 'b'}, {45, 'c'}, {14, 'd'}, {4, 'e'}}) {
    insert(windows, grid, when, value);
  }
  EXPECT_EQ(windows.next_close(grid), 10);
  EXPECT_THAT(closed(windows, grid, 9), IsEmpty());
  EXPECT_THAT(closed(windows, grid, 30), ElementsAre("2:a[20,30]", "0:be[0,10]", "1:d[10,20]"));
  EXPECT_EQ(windows.next_close(grid), 50);
  EXPECT_FALSE(windows.may_be_forgotten());
  EXPECT_THAT(closed(windows, grid, 50), ElementsAre("4:c[40,50]"));
  EXPECT_TRUE(windows.may_be_forgotten());
  EXPECT_EQ(windows.next_close(grid), std::nullopt);
}

TEST(SlidingWindows, AValueGoesIntoAllItsWindows) {
  const WindowGrid grid(10, 5, 0);
  SlidingWindows<Content> windows;
  insert(windows, grid, 3, 'a');
  insert(windows, grid, 7, 'b');
  EXPECT_EQ(windows.size(), 3u);
  EXPECT_THAT(closed(windows, grid, kUtcMax), ElementsAre("-1:a[-5,5]", "0:ab[0,10]", "1:b[5,15]"));
  std::vector<WindowId> late;
  SlidingWindows<Content>::late(grid, 7, [&](WindowId id) { late.push_back(id); });
  EXPECT_THAT(late, ElementsAre(0, 1));
}

TEST(SlidingWindows, GoOnFromAState) {
  const WindowGrid grid(10, 10, 0);
  SlidingWindows<Content> windows;
  insert(windows, grid, 25, 'a');
  insert(windows, grid, 3, 'b');
  SlidingWindows<Content> resumed;
  for (const auto& [id, content] : windows.opened()) {
    resumed.reopen(id, std::make_unique<std::string>(**content));
  }
  EXPECT_THAT(closed(resumed, grid, kUtcMax), ElementsAre("2:a[20,30]", "0:b[0,10]"));
}

TEST(SlidingWindows, AKeyWithoutWindowsIsSmall) {
  EXPECT_LE(sizeof(SlidingWindows<Content>), 40u);
}

class Sessions : public testing::Test {
 protected:
  void put(Micros when, char value) { insert(windows, gap, when, value); }

  const SessionGap gap{10};
  SessionWindows<Content> windows;
};

TEST_F(Sessions, TheGapIsPartOfASession) {
  put(0, 'a');
  put(10, 'b');
  put(21, 'c');
  EXPECT_EQ(windows.next_close(gap), 21);
  EXPECT_THAT(closed(windows, gap, 20), IsEmpty());
  EXPECT_THAT(closed(windows, gap, 21), ElementsAre("0:ab[0,10]"));
  EXPECT_THAT(closed(windows, gap, 32), ElementsAre("1:c[21,21]"));
}

TEST_F(Sessions, IdsAreNeverGivenTwice) {
  put(0, 'a');
  closed(windows, gap, kUtcMax);
  EXPECT_FALSE(windows.may_be_forgotten());
  put(0, 'b');
  EXPECT_THAT(closed(windows, gap, kUtcMax), ElementsAre("1:b[0,0]"));
}

TEST_F(Sessions, OfTwoTheOneThatBeginsFirstStays) {
  put(20, 'a');
  put(0, 'b');
  put(10, 'c');
  EXPECT_THAT(merged(windows), ElementsAre("ac>1"));
  EXPECT_THAT(merged(windows), IsEmpty());
  EXPECT_THAT(closed(windows, gap, kUtcMax), ElementsAre("1:bac[0,20]+0"));
}

// The session merged into merges itself before anybody was told.
TEST_F(Sessions, MergesOfOneBatchAreToldInOrder) {
  put(40, 'a');
  put(20, 'b');
  put(30, 'c');
  put(0, 'd');
  put(10, 'e');
  EXPECT_THAT(merged(windows), ElementsAre("ac>1", "beac>2"));
  EXPECT_THAT(closed(windows, gap, kUtcMax), ElementsAre("2:dbeac[0,40]+0+1"));
}

TEST_F(Sessions, CloseInTheOrderInWhichTheyWereOpened) {
  put(50, 'a');
  put(0, 'b');
  put(25, 'c');
  put(100, 'd');
  EXPECT_THAT(closed(windows, gap, 70), ElementsAre("0:a[50,50]", "1:b[0,0]", "2:c[25,25]"));
  EXPECT_EQ(windows.size(), 1u);
}

TEST_F(Sessions, GoOnFromAState) {
  put(50, 'a');
  put(0, 'b');
  put(100, 'c');
  closed(windows, gap, 20);
  SessionWindows<Content> resumed;
  resumed.resume_ids_from(windows.next_id());
  for (const auto* session : windows.opened()) {
    resumed.reopen({session->id, session->first, session->last, session->merged,
                    std::make_unique<std::string>(*session->content)});
  }
  insert(resumed, gap, 200, 'd');
  EXPECT_THAT(closed(resumed, gap, kUtcMax),
              ElementsAre("0:a[50,50]", "2:c[100,100]", "3:d[200,200]"));
}

TEST_F(Sessions, AStateIsTakenBetweenBatchesOnly) {
  put(20, 'a');
  put(0, 'b');
  put(10, 'c');
  EXPECT_THROW(windows.opened(), InvariantError);
}

TEST(SessionWindows, TheEndsOfTime) {
  for (const Micros when : {kUtcMin, kUtcMax}) {
    for (const Micros gap : {Micros{0}, Micros{10}, kLongestSpan}) {
      SessionWindows<Content> windows;
      insert(windows, SessionGap{gap}, when, 'a');
      EXPECT_THAT(closed(windows, SessionGap{gap}, kUtcMin), IsEmpty());
      EXPECT_LE(windows.next_close(SessionGap{gap}), kUtcMax);
      EXPECT_EQ(closed(windows, SessionGap{gap}, kUtcMax).size(), 1u);
    }
  }
}

TEST(WaitingValues, LeaveInOrderOfTimeAndArrival) {
  WaitingValues<char> waiting;
  for (const auto& [when, value] : {std::pair{5, 'a'}, {3, 'b'}, {5, 'c'}, {3, 'd'}, {9, 'e'}}) {
    waiting.add(when, value);
  }
  EXPECT_EQ(waiting.next(), 3);
  std::string taken;
  while (auto next = waiting.take(5)) taken += next->value;
  EXPECT_EQ(taken, "bdac");
  EXPECT_EQ(waiting.next(), 9);
  EXPECT_FALSE(waiting.empty());
}

TEST(WaitingValues, AreKeptInOrderOfArrival) {
  WaitingValues<char> waiting;
  for (const auto& [when, value] : {std::pair{5, 'a'}, {3, 'b'}, {5, 'c'}})
    waiting.add(when, value);
  WaitingValues<char> resumed;
  for (const auto* value : waiting.in_order_of_arrival()) resumed.add(value->when, value->value);
  std::string taken;
  while (auto next = resumed.take(kUtcMax)) taken += next->value;
  EXPECT_EQ(taken, "bac");
}

}  // namespace
}  // namespace cppwax::windowing
