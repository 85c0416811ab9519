// Batches from their frames: in pieces of any size, mixed, and wrong.
#include "engine/transport/frame_decoder.hpp"

#include <gmock/gmock.h>

#include "support/wire_messages.hpp"

namespace cppwax::transport {
namespace {

using test::batch_of;
using test::lane_of;
using test::pattern;
using test::receive;
using test::same_buffers;
using test::sent;

constexpr std::size_t kMiB = 1024 * 1024;

TEST(FrameDecoder, GivesBatchesBackWhateverThePieces) {
  const data::Encoded buffers = {pattern(100, 1), pattern(3 * kMiB + 17, 2, true), pattern(0),
                                 pattern(300'000, 3), pattern(0, 0, true)};
  const WireBytes bytes = sent({batch_of(lane_of(1), buffers)});
  for (const std::size_t step : {std::size_t{997}, std::size_t{16'384}, kMiB, SIZE_MAX}) {
    const test::Received received = receive(bytes, step);
    ASSERT_FALSE(received.error);
    ASSERT_EQ(received.messages.size(), 1u);
    const auto& batch = std::get<BatchMessage>(received.messages[0]);
    EXPECT_EQ(batch.lane, lane_of(1));
    EXPECT_EQ(batch.epoch, Epoch(3));
    EXPECT_EQ(batch.amount, (Amount{7, 70}));
    EXPECT_TRUE(same_buffers(batch.buffers, buffers));
  }
}

TEST(FrameDecoder, GivesSmallMessagesBackByteByByte) {
  const WireBytes bytes = sent({batch_of(lane_of(1), {pattern(5)}), batch_of(lane_of(2), {}),
                                FrontierMessage{lane_of(1), Epoch(4)}, Done{}});
  const test::Received received = receive(bytes, 1);
  EXPECT_FALSE(received.error);
  EXPECT_EQ(received.messages.size(), 4u);
  EXPECT_EQ(received.all<BatchMessage>().size(), 2u);
  EXPECT_TRUE(same_buffers(received.all<BatchMessage>()[0].buffers, {pattern(5)}));
}

TEST(FrameDecoder, PutsMixedFragmentsTogether) {
  const WireBytes bytes =
      sent({batch_of(lane_of(0), {pattern(kMiB, 1)}), batch_of(lane_of(1), {pattern(kMiB, 2)}),
            batch_of(lane_of(0, 3), {pattern(kMiB, 3)})});
  const auto batches = receive(bytes, 10'000).all<BatchMessage>();
  ASSERT_EQ(batches.size(), 3u);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(same_buffers(batches[i].buffers, {pattern(kMiB, i + 1)}));
  }
}

TEST(FrameDecoder, TakesMemoryOnlyAsBytesCome) {
  GrowingBuffer buffer(std::size_t{1} << 40);
  EXPECT_LE(buffer.room().size(), kMiB);
  std::size_t came = 0;
  for (int i = 0; i < 20; ++i) {
    const std::size_t size = buffer.room().size();
    EXPECT_LE(size, std::max(came, kMiB));
    const std::size_t part = std::min<std::size_t>(size, kMiB / 2);
    buffer.fill(part);
    came += part;
  }
}

// --- what is refused -----------------------------------------------------------------------------

// A first frame of a batch that declares these sizes and brings `data` bytes.
WireBytes first_frame(const Lane& lane, const std::vector<std::uint64_t>& sizes, std::size_t data,
                      std::uint8_t flag = 0) {
  WireBytes bytes;
  const auto count = static_cast<std::uint32_t>(sizes.size());
  FrameHeader{FrameType::kBatch, static_cast<std::uint32_t>(BatchHead::kBytes +
                                                            count * BatchHead::kBufferBytes + data)}
      .write(bytes);
  WireWriter out(bytes);
  write_batch_head(out, {lane, Epoch(1), {1, 1}, count});
  for (const std::uint64_t size : sizes) {
    out.number(size);
    out.number(flag);
  }
  bytes.resize(bytes.size() + data);
  return bytes;
}

WireBytes fragment(const Lane& lane, std::size_t data) {
  WireBytes bytes;
  FrameHeader{FrameType::kFragment, static_cast<std::uint32_t>(12 + data)}.write(bytes);
  WireWriter out(bytes);
  write_lane(out, lane);
  bytes.resize(bytes.size() + data);
  return bytes;
}

WireBytes operator+(WireBytes a, const WireBytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::optional<WireError> refusal(const WireBytes& bytes) {
  return receive(bytes).error;
}

TEST(FrameDecoder, RefusesBatchesOverTheLimitBeforeTheirBytes) {
  const std::uint64_t limit = 64 * kMiB;  // of test::receive
  EXPECT_EQ(refusal(first_frame(lane_of(0), {limit}, 1)), std::nullopt);
  EXPECT_EQ(refusal(first_frame(lane_of(0), {limit + 1}, 1)), WireError::kBatchTooLarge);
  EXPECT_EQ(refusal(first_frame(lane_of(0), {limit, 1}, 1)), WireError::kBatchTooLarge);
  EXPECT_EQ(refusal(first_frame(lane_of(0), {1, UINT64_MAX}, 1)), WireError::kBatchTooLarge);
}

TEST(FrameDecoder, RefusesBytesThatNoBatchAwaits) {
  EXPECT_EQ(refusal(fragment(lane_of(0), 1)), WireError::kNoBatch);
  EXPECT_EQ(refusal(first_frame(lane_of(0), {2}, 3)), WireError::kNoBatch);
  EXPECT_EQ(refusal(first_frame(lane_of(0), {3}, 2) + fragment(lane_of(0), 2)),
            WireError::kNoBatch);
  EXPECT_EQ(refusal(first_frame(lane_of(0), {3}, 2) + fragment(lane_of(1), 1)),
            WireError::kNoBatch);
  EXPECT_EQ(refusal(first_frame(lane_of(0), {}, 1)), WireError::kNoBatch);
}

TEST(FrameDecoder, RefusesEmptyFragments) {
  EXPECT_EQ(refusal(first_frame(lane_of(0), {3}, 0)), WireError::kEmptyFragment);
  EXPECT_EQ(refusal(first_frame(lane_of(0), {3}, 2) + fragment(lane_of(0), 0)),
            WireError::kEmptyFragment);
}

TEST(FrameDecoder, RefusesMessagesInsideABatchOfTheirLane) {
  const WireBytes open = first_frame(lane_of(0), {3}, 2);
  EXPECT_EQ(refusal(open + open), WireError::kBatchOpen);
  WireBytes frontier;
  write_frame(frontier, FrontierMessage{lane_of(0), Epoch(2)});
  EXPECT_EQ(refusal(open + frontier), WireError::kBatchOpen);
  WireBytes end;
  write_frame(end, EndMessage{lane_of(0), {data::EndKind::kEof, Epoch(2)}});
  EXPECT_EQ(refusal(open + end), WireError::kBatchOpen);
  WireBytes elsewhere;
  write_frame(elsewhere, FrontierMessage{lane_of(1), Epoch(2)});
  EXPECT_EQ(refusal(open + elsewhere + first_frame(lane_of(1), {3}, 2)), std::nullopt);
}

TEST(FrameDecoder, RefusesFragmentsThatAreTooLarge) {
  EXPECT_EQ(refusal(first_frame(lane_of(0), {2 * kMiB}, kMiB + 1)), WireError::kFrameTooLong);
  EXPECT_EQ(refusal(first_frame(lane_of(0), {3 * kMiB}, kMiB) + fragment(lane_of(0), kMiB + 1)),
            WireError::kFrameTooLong);
}

TEST(FrameDecoder, RefusesHeadsThatDoNotFit) {
  WireBytes shorter = first_frame(lane_of(0), {1, 1, 1}, 0);
  shorter[3] = static_cast<std::byte>(BatchHead::kBytes + 2 * BatchHead::kBufferBytes);
  EXPECT_EQ(refusal(shorter), WireError::kTooShort);
  shorter[3] = static_cast<std::byte>(BatchHead::kBytes - 1);
  EXPECT_EQ(refusal(shorter), WireError::kTooShort);
  WireBytes lane = fragment(lane_of(0), 0);
  lane[3] = std::byte{11};
  EXPECT_EQ(refusal(lane), WireError::kTooShort);
  EXPECT_EQ(refusal(first_frame(lane_of(0), {1}, 1, 2)), WireError::kBadValue);
  WireBytes many = first_frame(lane_of(0), {1}, 1);
  many[FrameHeader::kBytes + 36] = std::byte{1};  // the count's first byte
  EXPECT_EQ(refusal(many), WireError::kBadValue);
  EXPECT_EQ(refusal(first_frame(lane_of(4), {1}, 1)), WireError::kNotYours);
  EXPECT_EQ(refusal(fragment(lane_of(0, 0), 1)), WireError::kNotYours);
}

TEST(FrameDecoder, TakesTheMostBuffersAndNoMore) {
  const std::vector<std::uint64_t> sizes(data::PayloadCodec::kMaxBuffers, 1);
  const test::Received received = receive(first_frame(lane_of(0), sizes, sizes.size()), 5'000);
  ASSERT_EQ(received.messages.size(), 1u);
  EXPECT_EQ(std::get<BatchMessage>(received.messages[0]).buffers.size(), sizes.size());
  const std::vector<std::uint64_t> more(data::PayloadCodec::kMaxBuffers + 1, 1);
  EXPECT_EQ(refusal(first_frame(lane_of(0), more, 1)), WireError::kBadValue);
}

}  // namespace
}  // namespace cppwax::transport
