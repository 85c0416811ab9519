// Any bytes, in pieces of any size, into the decoder of frames. What it takes must come back equal
// when sent again.
#include <algorithm>
#include <cstring>

#include "fuzz/target.hpp"
#include "support/wire_messages.hpp"

namespace cppwax::fuzz {
namespace {

using namespace transport;

// Two bytes of each input say how large the pieces are.
constexpr std::size_t kStepBytes = 2;

test::Received run(std::span<const std::byte> bytes, std::size_t step) {
  FrameDecoder decoder(test::seats_of_zero(), 1 << 24);
  return test::receive(decoder, bytes, step);
}

bool same(const Message& a, const Message& b) {
  if (a.index() != b.index()) return false;
  const auto* batch = std::get_if<BatchMessage>(&a);
  if (batch != nullptr) {
    const auto& other = std::get<BatchMessage>(b);
    return batch->lane == other.lane && batch->epoch == other.epoch &&
           batch->amount == other.amount && test::same_buffers(batch->buffers, other.buffers);
  }
  WireBytes bytes_a;
  WireBytes bytes_b;
  write_frame(bytes_a, a);
  write_frame(bytes_b, b);
  return bytes_a == bytes_b;
}

Input input_of(std::vector<Message> messages, unsigned step) {
  Input input{static_cast<std::uint8_t>(step >> 8), static_cast<std::uint8_t>(step)};
  for (const std::byte byte : test::sent(std::move(messages))) {
    input.push_back(std::to_integer<std::uint8_t>(byte));
  }
  return input;
}

}  // namespace

std::vector<Input> seeds() {
  const Lane lane = test::lane_of(1);
  return {
      input_of({test::batch_of(lane, {test::pattern(50), test::pattern(0), test::pattern(9)}),
                FrontierMessage{lane, Epoch(4)}, EndMessage{lane, {data::EndKind::kEof, Epoch(4)}}},
               7),
      input_of({test::batch_of(lane, {test::pattern(SendQueue::kFragmentBytes + 5)}),
                test::batch_of(test::lane_of(2), {test::pattern(20)})},
               65'535),
      input_of({CreditMessage{lane, Epoch(2), {5, 50}}, FailureAck{}, Heartbeat{}, Done{}}, 1),
      input_of({ControlMessage{WorkerIndex(0),
                               channel::Parts{StepIndex(1), WorkerIndex(2), {"a", "bc"}}},
                ControlMessage{WorkerIndex(1), channel::Active{Epoch(1)}},
                ControlMessage{WorkerIndex(1), channel::OpenEpoch{Epoch(2)}},
                ControlMessage{WorkerIndex(0), channel::StopRequest{}},
                ControlMessage{WorkerIndex(0), channel::Loaded{WorkerIndex(2)}},
                ControlMessage{WorkerIndex(0), channel::Stop{Epoch(2)}}},
               3),
      input_of({Failure{FailureKind::kLost, "T", "m", "tb", "flow.s", WorkerIndex(3),
                        ProcessIndex(1), Epoch(2)}},
               100),
      input_of({Report{{std::byte{1}, std::byte{2}}}, Report{}, Done{}}, 9),
  };
}

}  // namespace cppwax::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cppwax;
  if (size < fuzz::kStepBytes) return 0;
  const std::size_t step = std::max<std::size_t>(1, (std::size_t{data[0]} << 8) | data[1]);
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(fuzz::kStepBytes);
  const test::Received received = fuzz::run(bytes, step);
  // One by one, since a queue puts what is urgent first.
  for (const transport::Message& message : received.messages) {
    const test::Received again = fuzz::run(test::sent({message}), SIZE_MAX);
    fuzz::require(!again.error && again.messages.size() == 1);
    fuzz::require(fuzz::same(message, again.messages[0]));
  }
  return 0;
}
