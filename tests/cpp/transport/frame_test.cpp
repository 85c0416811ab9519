// Every kind of message but batches, there and back, and every way in which a frame can be wrong.
#include "engine/transport/frame.hpp"

#include <gmock/gmock.h>

#include <string>

#include "support/wire_messages.hpp"

namespace cppwax::transport {
namespace {

using test::lane_of;
using test::receive;
using test::sent;

template <class T>
T back(const T& message) {
  const test::Received received = receive(sent({message}));
  EXPECT_FALSE(received.error);
  EXPECT_EQ(received.messages.size(), 1u);
  return std::get<T>(received.messages.at(0));
}

template <class T>
T control_back(const T& control) {
  const auto message = back(ControlMessage{WorkerIndex(1), control});
  EXPECT_EQ(message.to, WorkerIndex(1));
  return std::get<T>(message.control);
}

TEST(Frame, FrontiersEndsAndCreditComeBack) {
  const auto frontier = back(FrontierMessage{lane_of(3), Epoch(1ull << 40)});
  EXPECT_EQ(frontier.lane, lane_of(3));
  EXPECT_EQ(frontier.epoch, Epoch(1ull << 40));
  for (const data::EndKind kind : {data::EndKind::kEof, data::EndKind::kStopped}) {
    const auto end = back(EndMessage{lane_of(1), {kind, Epoch(9)}});
    EXPECT_EQ(end.lane, lane_of(1));
    EXPECT_EQ(end.end.kind, kind);
    EXPECT_EQ(end.end.epoch, Epoch(9));
  }
  const auto credit = back(CreditMessage{lane_of(2), Epoch(4), {65536, 8 << 20}});
  EXPECT_EQ(credit.lane, lane_of(2));
  EXPECT_EQ(credit.epoch, Epoch(4));
  EXPECT_EQ(credit.amount, (Amount{65536, 8 << 20}));
}

TEST(Frame, ControlComesBack) {
  const channel::Parts parts{StepIndex(5), WorkerIndex(3), {"a", "", "\xc3\xa9\n"}};
  const auto parts_back = control_back(parts);
  EXPECT_EQ(parts_back.step, parts.step);
  EXPECT_EQ(parts_back.worker, parts.worker);
  EXPECT_EQ(parts_back.names, parts.names);
  EXPECT_EQ(control_back(channel::Active{Epoch(7)}).epoch, Epoch(7));
  EXPECT_EQ(control_back(channel::OpenEpoch{Epoch(8)}).epoch, Epoch(8));
  const auto stop = control_back(channel::Stop{Epoch(9), 15});
  EXPECT_EQ(stop.epoch, Epoch(9));
  EXPECT_EQ(stop.signal, 15);
  control_back(channel::StopRequest{});
  EXPECT_EQ(control_back(channel::Loaded{WorkerIndex(3)}).worker, WorkerIndex(3));
}

TEST(Frame, ReportsComeBack) {
  for (const std::size_t size : {0u, 1u, 100'000u}) {
    Report report;
    report.content.resize(size, std::byte{7});
    EXPECT_EQ(back(report).content, report.content);
  }
}

TEST(Frame, TheSizeOfPartsIsKnownBefore) {
  const channel::Parts parts{StepIndex(5), WorkerIndex(3), {"a", "", "bcd"}};
  WireBytes bytes;
  write_frame(bytes, ControlMessage{WorkerIndex(0), parts});
  EXPECT_EQ(bytes.size(), FrameHeader::kBytes + parts_bytes(parts));
}

TEST(Frame, FailuresComeBackCutToTheirLimits) {
  Failure failure{FailureKind::kAborted, "ValueError",    "m",     "t", "flow.map",
                  WorkerIndex(2),        ProcessIndex(1), Epoch(5)};
  EXPECT_EQ(back(failure), failure);
  failure.worker.reset();
  EXPECT_EQ(back(failure), failure);
  failure.traceback = std::string(3, 'x');
  for (std::size_t i = 0; i < Failure::kMaxTraceback; ++i) failure.traceback += "\xc3\xa9";
  const std::string cut = back(failure).traceback;
  EXPECT_LE(cut.size(), Failure::kMaxTraceback);
  EXPECT_THAT(cut, testing::EndsWith("\xc3\xa9 [cut]"));
}

TEST(Frame, ProcessMessagesComeBack) {
  back(FailureAck{});
  back(Done{});
  back(Heartbeat{});
}

// --- what is refused -----------------------------------------------------------------------------

std::optional<WireError> refusal(const WireBytes& bytes) {
  return receive(bytes).error;
}

WireBytes frame(const Message& message) {
  WireBytes bytes;
  write_frame(bytes, message);
  return bytes;
}

// Header with any type and length.
WireBytes header(std::uint8_t type, std::uint32_t length) {
  WireBytes bytes;
  FrameHeader{static_cast<FrameType>(type), length}.write(bytes);
  return bytes;
}

void set(WireBytes& bytes, std::size_t at, unsigned value) {
  bytes.at(at) = static_cast<std::byte>(value);
}

TEST(Frame, RefusesUnknownTypesAndReservedBits) {
  EXPECT_EQ(refusal(header(0, 0)), WireError::kUnknownType);
  EXPECT_EQ(refusal(header(17, 0)), WireError::kUnknownType);
  EXPECT_EQ(refusal(header(255, 0)), WireError::kUnknownType);
  for (const std::size_t at : {5u, 6u, 7u}) {
    WireBytes bytes = header(1, 0);
    set(bytes, at, 1);
    EXPECT_EQ(refusal(bytes), WireError::kReserved);
  }
}

TEST(Frame, RefusesLengthsBeyondTheTypesLimitAtTheHeader) {
  for (std::uint8_t type = 1; type <= 15; ++type) {
    EXPECT_EQ(refusal(header(type, 0xFFFFFFFF)), WireError::kFrameTooLong) << +type;
  }
  EXPECT_EQ(refusal(header(1, 65)), WireError::kFrameTooLong);
  EXPECT_EQ(refusal(header(static_cast<std::uint8_t>(FrameType::kParts), kMaxPartsBytes)),
            std::nullopt);
}

TEST(Frame, RefusesEveryOtherLength) {
  const std::vector<Message> messages = {
      FrontierMessage{lane_of(3), Epoch(1)},
      EndMessage{lane_of(1), {data::EndKind::kEof, Epoch(9)}},
      CreditMessage{lane_of(2), Epoch(4), {1, 1}},
      ControlMessage{WorkerIndex(0), channel::Parts{StepIndex(5), WorkerIndex(3), {"ab", "c"}}},
      ControlMessage{WorkerIndex(0), channel::Active{Epoch(7)}},
      ControlMessage{WorkerIndex(0), channel::StopRequest{}},
      Failure{FailureKind::kFailed, "t", "m", "b", "s", {}, ProcessIndex(1), Epoch(1)},
      Done{},
  };
  for (const Message& message : messages) {
    const WireBytes whole = frame(message);
    const std::size_t body = whole.size() - FrameHeader::kBytes;
    for (std::size_t length = 0; length < body; ++length) {
      WireBytes cut(whole.begin(), whole.end() - static_cast<std::ptrdiff_t>(body - length));
      set(cut, 2, static_cast<unsigned>(length >> 8));
      set(cut, 3, static_cast<unsigned>(length & 0xFF));
      EXPECT_EQ(refusal(cut), WireError::kTooShort) << message.index() << " " << length;
    }
    WireBytes more = whole;
    more.push_back(std::byte{0});
    set(more, 3, static_cast<unsigned>(body + 1));
    EXPECT_EQ(refusal(more), WireError::kTooLong) << message.index();
  }
}

TEST(Frame, RefusesWhatThePeerCannotSpeakForOrTo) {
  const std::vector<Message> messages = {
      FrontierMessage{lane_of(4), Epoch(1)},        // no such channel
      FrontierMessage{lane_of(0, 1), Epoch(1)},     // from a worker of ours
      FrontierMessage{lane_of(0, 4), Epoch(1)},     // from a worker of a third process
      FrontierMessage{lane_of(0, 2, 2), Epoch(1)},  // to a worker of its own
      ControlMessage{WorkerIndex(2), channel::Stop{Epoch(1)}},
      ControlMessage{WorkerIndex(0), channel::Parts{StepIndex(6), WorkerIndex(3), {}}},
      ControlMessage{WorkerIndex(0), channel::Parts{StepIndex(0), WorkerIndex(0), {}}},
      ControlMessage{WorkerIndex(0), channel::Loaded{WorkerIndex(0)}},
      Failure{FailureKind::kFailed, "", "", "", "", {}, ProcessIndex(2), Epoch(1)},
      Failure{FailureKind::kFailed, "", "", "", "", WorkerIndex(1), ProcessIndex(1), Epoch(1)},
  };
  for (const Message& message : messages) {
    EXPECT_EQ(refusal(frame(message)), WireError::kNotYours) << message.index();
  }
}

TEST(Frame, RefusesValuesWithoutAMeaning) {
  WireBytes end = frame(EndMessage{lane_of(1), {data::EndKind::kEof, Epoch(9)}});
  set(end, FrameHeader::kBytes + 12, 2);
  EXPECT_EQ(refusal(end), WireError::kBadValue);
  WireBytes credit = frame(CreditMessage{lane_of(2), Epoch(4), {1, 1}});
  set(credit, FrameHeader::kBytes + 20, 0x80);  // would be negative
  EXPECT_EQ(refusal(credit), WireError::kBadValue);
  WireBytes failure =
      frame(Failure{FailureKind::kFailed, "", "", "", "", {}, ProcessIndex(1), Epoch(1)});
  WireBytes kind = failure;
  set(kind, FrameHeader::kBytes, 3);
  EXPECT_EQ(refusal(kind), WireError::kBadValue);
  set(failure, FrameHeader::kBytes + 5, 2);
  EXPECT_EQ(refusal(failure), WireError::kBadValue);
}

TEST(Frame, RefusesTextsBeyondTheirField) {
  WireBytes parts =
      frame(ControlMessage{WorkerIndex(0), channel::Parts{StepIndex(5), WorkerIndex(3), {"ab"}}});
  set(parts, FrameHeader::kBytes + 16, 0x01);  // the name's length, first byte
  EXPECT_EQ(refusal(parts), WireError::kTextTooLong);
  WireBytes count =
      frame(ControlMessage{WorkerIndex(0), channel::Parts{StepIndex(5), WorkerIndex(3), {"ab"}}});
  set(count, FrameHeader::kBytes + 12, 0xFF);  // four thousand million names
  EXPECT_EQ(refusal(count), WireError::kTooShort);
}

TEST(CutText, NeverEndsInsideACharacter) {
  EXPECT_EQ(cut_text("abc", 3), "abc");
  EXPECT_EQ(cut_text("abcdefghij", 9), "abc [cut]");
  EXPECT_EQ(cut_text("ab\xc3\xa9"
                     "defghij",
                     9),
            "ab [cut]");
  EXPECT_EQ(cut_text("abcdefghij", 4), "");
}

}  // namespace
}  // namespace cppwax::transport
