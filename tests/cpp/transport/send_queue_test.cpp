// The order in which messages go, and when memory is let go of.
#include "engine/transport/send_queue.hpp"

#include <gmock/gmock.h>

#include "support/wire_messages.hpp"

namespace cppwax::transport {
namespace {

using test::append;
using test::batch_of;
using test::drain;
using test::lane_of;
using test::pattern;
using test::receive;
using test::sent;

constexpr std::size_t kMiB = 1024 * 1024;

// Type and body length of each frame.
std::vector<std::pair<FrameType, std::uint32_t>> frames(std::span<const std::byte> bytes) {
  std::vector<std::pair<FrameType, std::uint32_t>> found;
  while (!bytes.empty()) {
    const auto header = std::get<FrameHeader>(FrameHeader::read(bytes.first(FrameHeader::kBytes)));
    found.emplace_back(header.type, header.body_bytes);
    bytes = bytes.subspan(FrameHeader::kBytes + header.body_bytes);
  }
  return found;
}

std::vector<FrameType> types(const WireBytes& bytes) {
  std::vector<FrameType> found;
  for (const auto& [type, length] : frames(bytes)) found.push_back(type);
  return found;
}

TEST(SendQueue, SendsControlFirstAndDoneLast) {
  const WireBytes bytes =
      sent({Done{}, batch_of(lane_of(0), {pattern(10)}), FrontierMessage{lane_of(0), Epoch(4)},
            CreditMessage{lane_of(1), Epoch(1), {1, 1}},
            ControlMessage{WorkerIndex(0), channel::Stop{Epoch(1)}}});
  EXPECT_EQ(types(bytes), (std::vector{FrameType::kStop, FrameType::kCredit, FrameType::kBatch,
                                       FrameType::kFrontier, FrameType::kDone}));
}

TEST(SendQueue, ControlDoesNotWaitForTheRestOfALargeBatch) {
  SendQueue queue;
  queue.push(batch_of(lane_of(0), {pattern(4 * kMiB)}));
  WireBytes bytes;
  Gathered gathered;
  queue.take(gathered);
  append(bytes, gathered);
  queue.push(ControlMessage{WorkerIndex(0), channel::Stop{Epoch(1)}});
  gathered.clear();
  queue.take(gathered);
  WireBytes second;
  append(second, gathered);
  EXPECT_EQ(types(second).front(), FrameType::kStop);
  bytes.insert(bytes.end(), second.begin(), second.end());
  const WireBytes rest = drain(queue);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  EXPECT_FALSE(receive(bytes).error);
  EXPECT_EQ(receive(bytes).messages.size(), 2u);
}

TEST(SendQueue, AFrontierReplacesOneRightBeforeItOnly) {
  const auto received = receive(sent({
      FrontierMessage{lane_of(0), Epoch(2)},
      FrontierMessage{lane_of(0), Epoch(3)},
      FrontierMessage{lane_of(1), Epoch(9)},
      batch_of(lane_of(0), {pattern(1)}, 3),
      FrontierMessage{lane_of(0), Epoch(4)},
      EndMessage{lane_of(0), {data::EndKind::kEof, Epoch(4)}},
  }));
  const auto frontiers = received.all<FrontierMessage>();
  ASSERT_EQ(frontiers.size(), 2u);
  EXPECT_EQ(frontiers[0].epoch, Epoch(3));
  EXPECT_EQ(frontiers[1].epoch, Epoch(9));
  EXPECT_EQ(received.all<EndMessage>().size(), 1u);
  EXPECT_EQ(received.messages.size(), 4u);
}

TEST(SendQueue, SumsUpCreditOfALaneAndEpoch) {
  const auto credits = receive(sent({CreditMessage{lane_of(0), Epoch(1), {1, 10}},
                                     CreditMessage{lane_of(0), Epoch(2), {2, 20}},
                                     CreditMessage{lane_of(1), Epoch(1), {4, 40}},
                                     CreditMessage{lane_of(0), Epoch(1), {8, 80}}}))
                           .all<CreditMessage>();
  ASSERT_EQ(credits.size(), 3u);
  EXPECT_EQ(credits[0].amount, (Amount{9, 90}));
  EXPECT_EQ(credits[1].amount, (Amount{2, 20}));
  EXPECT_EQ(credits[2].amount, (Amount{4, 40}));
}

TEST(SendQueue, LanesTakeTurnsByFragments) {
  const WireBytes bytes =
      sent({batch_of(lane_of(0), {pattern(2 * kMiB)}), batch_of(lane_of(1), {pattern(100)}),
            batch_of(lane_of(1), {pattern(100)})});
  const auto found = frames(bytes);
  ASSERT_GE(found.size(), 4u);
  EXPECT_EQ(found[0].first, FrameType::kBatch);
  EXPECT_LE(found[0].second, kMaxFragmentBytes);
  // Both small batches go between the first two fragments of the large one.
  EXPECT_EQ(found[1].first, FrameType::kBatch);
  EXPECT_EQ(found[2].first, FrameType::kBatch);
  EXPECT_EQ(found[3].first, FrameType::kFragment);
}

TEST(SendQueue, LetsGoOfMemoryOnceWritten) {
  SendQueue queue;
  data::Buffer small = pattern(100);
  data::Buffer first = pattern(SendQueue::kFragmentBytes);
  data::Buffer second = pattern(4 * kMiB);
  const std::weak_ptr<std::byte> watched[] = {small.data, first.data, second.data};
  queue.push(batch_of(lane_of(0), {std::move(small), std::move(first), std::move(second)}));
  Gathered gathered;
  queue.take(gathered);
  EXPECT_TRUE(watched[0].expired());
  EXPECT_FALSE(watched[1].expired());
  gathered.clear();
  EXPECT_TRUE(watched[1].expired());
  EXPECT_FALSE(watched[2].expired());
  drain(queue);
  EXPECT_TRUE(watched[2].expired());
}

TEST(SendQueue, GathersInBoundedPieces) {
  SendQueue queue;
  for (std::uint32_t i = 0; i < 4; ++i) queue.push(batch_of(lane_of(i), {pattern(kMiB)}));
  while (!queue.empty()) {
    Gathered gathered;
    queue.take(gathered);
    EXPECT_LE(gathered.size(), SendQueue::kGatherBytes + SendQueue::kFragmentBytes + 1000);
  }
}

}  // namespace
}  // namespace cppwax::transport
