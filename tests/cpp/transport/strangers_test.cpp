// What may come to the port: strangers are dropped by themselves and neither end, stall nor grow
// the process. At the end of each test the real peer joins.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <random>

#include "engine/transport/cluster.hpp"
#include "support/net_node.hpp"
#include "support/raw_socket.hpp"
#include "support/wire_messages.hpp"

namespace cppwax::transport {
namespace {

using namespace std::chrono_literals;
using test::bytes_of;
using test::free_addresses;
using test::NetNode;
using test::RawListener;
using test::RawSocket;
using test::settings_for;
using testing::HasSubstr;

// Process 0 while it forms, with or without a secret; calls come from a listed address.
class Strangers : public testing::TestWithParam<bool> {
 protected:
  void start(Duration hello_limit = 1min) {
    ClusterSettings settings = settings_of(0);
    settings.timing.hello_limit = hello_limit;
    zero_ = std::make_unique<NetNode>(std::move(settings));
    joined_ = zero_->form_text();
  }
  ~Strangers() override {
    if (zero_) zero_->cluster().close();
  }

  ClusterSettings settings_of(std::uint32_t process) const {
    ClusterSettings settings = settings_for(process, addresses_);
    if (!GetParam()) settings.security = ListedAddresses{};
    return settings;
  }
  RawSocket call() const { return RawSocket::connect(addresses_[0], addresses_[1]); }

  // The process is as well as ever.
  void expect_joining() {
    NetNode one(settings_of(1));
    EXPECT_EQ(one.form_text().get(), "joined");
    EXPECT_EQ(joined_.get(), "joined");
    zero_->cluster().start();
    const Lane lane{WorkerIndex(0), ChannelIndex(0), WorkerIndex(2)};
    one.cluster().send(ProcessIndex(0), FrontierMessage{lane, Epoch(1)});
    zero_->wait([](const NetNode::Seen& seen) { return seen.messages.size() == 1; });
    EXPECT_TRUE(zero_->seen().lost.empty());
    one.cluster().close();
    zero_->wait([](const NetNode::Seen& seen) { return !seen.lost.empty(); });
  }
  // Sends it, and is dropped with or without an answer.
  void send_in_vain(std::span<const std::byte> bytes) {
    RawSocket client = call();
    client.send(bytes);
    client.end_sending();
    client.receive_to_the_end();
  }

  std::vector<std::string> addresses_ = free_addresses(2);
  std::unique_ptr<NetNode> zero_;
  std::future<std::string> joined_;
};

INSTANTIATE_TEST_SUITE_P(Security, Strangers, testing::Bool(),
                         [](const auto& of) { return of.param ? "Secret" : "Plain"; });

TEST_P(Strangers, WhoConnectAndClose) {
  start();
  for (int i = 0; i < 200; ++i) call();
  expect_joining();
}

TEST_P(Strangers, WhoSayNothing) {
  start();
  RawSocket silent = call();
  RawSocket half_open = call();
  half_open.end_sending();
  EXPECT_TRUE(half_open.receive_to_the_end().empty());
  expect_joining();
}

TEST_P(Strangers, WhoSayNothingAreDroppedInTime) {
  start(50ms);
  EXPECT_TRUE(call().receive_to_the_end().empty());
  RawSocket slow = call();
  slow.send(GetParam() ? "\x16\x03\x01" : "CPP");
  slow.receive_to_the_end();
}

TEST_P(Strangers, WhoAreSlow) {
  start();
  RawSocket slow = call();
  const WireBytes hello = test::hello_from(settings_of(1), 1, 0).write();
  for (std::size_t i = 0; i + 1 < hello.size(); ++i) slow.send(std::span(hello).subspan(i, 1));
  expect_joining();
}

TEST_P(Strangers, WhoSendRandomBytes) {
  start();
  std::mt19937 random(7);
  for (int i = 0; i < 50; ++i) {
    WireBytes bytes(random() % 3000 + 1);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    if (i % 3 == 0) bytes[0] = std::byte{0x16};
    send_in_vain(bytes);
  }
  expect_joining();
}

TEST_P(Strangers, WhoSpeakHttp) {
  start();
  send_in_vain(bytes_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  zero_->wait_for_warning("was refused");
  const std::size_t warnings = zero_->seen().warnings.size();
  for (int i = 0; i < 20; ++i) send_in_vain(bytes_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(zero_->seen().warnings.size(), warnings);
  expect_joining();
}

TEST_P(Strangers, WhoSendHellosThatAreNone) {
  start();
  WireBytes too_long = test::hello_from(settings_of(1), 1, 0).write();
  too_long[8] = std::byte{0xFF};
  send_in_vain(too_long);
  WireBytes malformed = test::hello_from(settings_of(1), 1, 0).write();
  malformed[10] = std::byte{0xFF};
  send_in_vain(malformed);
  WireBytes cut = test::hello_from(settings_of(1), 1, 0).write();
  cut.resize(40);
  send_in_vain(cut);
  zero_->wait_for_warning("was refused");
  expect_joining();
}

TEST_P(Strangers, AThousandSilentOnesWhileThePeerComes) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4096);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  start();
  std::vector<RawSocket> silent;
  for (int i = 0; i < 500; ++i) silent.push_back(call());
  auto more = std::async(std::launch::async, [&] {
    for (int i = 0; i < 500; ++i) silent.push_back(call());
  });
  expect_joining();
  more.get();
  // Those beyond the places have been dropped: the first ones are the oldest.
  for (int i = 0; i < 400; ++i) {
    EXPECT_TRUE(silent[static_cast<std::size_t>(i)].receive_to_the_end().empty());
  }
}

TEST_P(Strangers, AnEchoInPlaceOfAPeer) {
  NetNode one(settings_of(1));
  auto text = one.form_text();
  {
    RawListener echo(addresses_[0]);
    for (int calls = 0; calls < 3; ++calls) {
      RawSocket socket = echo.accept();
      for (WireBytes some; !(some = socket.receive_some(4096)).empty();) socket.send(some);
    }
  }
  start();
  EXPECT_EQ(text.get(), "joined");
  EXPECT_EQ(joined_.get(), "joined");
}

TEST_P(Strangers, AListenerThatCloses) {
  NetNode one(settings_of(1));
  auto text = one.form_text();
  {
    RawListener listener(addresses_[0]);
    for (int calls = 0; calls < 3; ++calls) listener.accept();
  }
  one.wait_for_warning("process 0 (" + addresses_[0] + ") ");
  start();
  EXPECT_EQ(text.get(), "joined");
  EXPECT_EQ(joined_.get(), "joined");
}

// --- hellos that are well-formed -----------------------------------------------------------------

// A process of listed addresses, and hellos said by hand.
class Impostors : public testing::Test {
 protected:
  Impostors() {
    ClusterSettings settings = settings_for(0, addresses_);
    settings.security = ListedAddresses{};
    settings_ = settings;
    zero_ = std::make_unique<NetNode>(settings);
    joined_ = zero_->form_text();
  }
  ~Impostors() override {
    zero_->cluster().interrupt();
    zero_->cluster().close();
  }

  std::vector<std::string> addresses_ = free_addresses(3);
  ClusterSettings settings_;
  std::unique_ptr<NetNode> zero_;
  std::future<std::string> joined_;
};

TEST_F(Impostors, OfAnotherStartAreRefusedAndTold) {
  Hello hello = test::hello_from(settings_, 1, 0);
  hello.run[0] = std::byte{1};
  RawSocket socket = RawSocket::connect(addresses_[0], addresses_[1]);
  socket.send(hello.write());
  EXPECT_EQ(test::read_hello(socket).verdict, Verdict::kMismatch);
  zero_->wait_for_warning("belongs to another start");
}

TEST_F(Impostors, WhoReflectAreDropped) {
  Hello hello = test::hello_from(settings_, 1, 0);
  hello.role = Role::kListener;
  RawSocket socket = RawSocket::connect(addresses_[0], addresses_[1]);
  socket.send(hello.write());
  EXPECT_TRUE(socket.receive_to_the_end().empty());
  zero_->wait_for_warning("sends back what it is sent");
}

TEST_F(Impostors, WhoDoNotConfirmHaveNotJoined) {
  for (int i = 0; i < 3; ++i) {
    RawSocket socket = RawSocket::connect(addresses_[0], addresses_[1]);
    socket.send(test::hello_from(settings_, 1, 0).write());
    EXPECT_EQ(test::read_hello(socket).verdict, Verdict::kJoin);
    if (i == 1) socket.send("no confirmation");
  }
  RawSocket joined = test::join_by_hand(settings_);
  RawSocket two = RawSocket::connect(addresses_[0], addresses_[2]);
  two.send(test::hello_from(settings_, 2, 0).write());
  EXPECT_EQ(test::read_hello(two).verdict, Verdict::kJoin);
  two.send(test::frame_of(Heartbeat{}));
  EXPECT_EQ(joined_.get(), "joined");
}

// --- after joining -------------------------------------------------------------------------------

class Guests : public testing::Test {
 protected:
  void start(const std::function<void(ClusterSettings&)>& change = {}) {
    settings_ = settings_for(0, free_addresses(2));
    settings_.security = ListedAddresses{};
    if (change) change(settings_);
    zero_ = std::make_unique<NetNode>(settings_);
    auto joined = zero_->form_text();
    guest_.emplace(test::join_by_hand(settings_));
    EXPECT_EQ(joined.get(), "joined");
    zero_->cluster().start();
  }
  void expect_loss(const std::string& why) {
    zero_->wait([](const NetNode::Seen& seen) { return !seen.lost.empty(); });
    EXPECT_EQ(zero_->seen().lost[0], "lost process 1 (" + settings_.addresses[1] + "): " + why);
  }

  ClusterSettings settings_;
  std::unique_ptr<NetNode> zero_;
  std::optional<RawSocket> guest_;
};

TEST_F(Guests, WhoSendWrongFramesAreLost) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {std::string("\xFF\xFF\xFF\xFF\x02\0\0\0", 8), "it sent a frame longer than its type allows"},
      {std::string("\0\0\0\0\x63\0\0\0", 8), "it sent a frame of an unknown type"},
      {std::string("\0\0\0\x01\x0e\0\0\0x", 9),
       "it sent a frame that goes on behind its last field"},
      {"GET / HTTP/1.1\r\n", "it sent a frame of an unknown type"},
  };
  for (const auto& [bytes, why] : wrong) {
    start();
    guest_->send(bytes);
    expect_loss(why);
  }
}

TEST_F(Guests, WhoSpeakForOthersAreLost) {
  start();
  guest_->send(
      test::frame_of(FrontierMessage{{WorkerIndex(0), ChannelIndex(0), WorkerIndex(1)}, Epoch(1)}));
  expect_loss("it sent a message for or from a worker, channel or step that is not its own");
}

TEST_F(Guests, WhoDeclareTooMuchAreLost) {
  start([](ClusterSettings& settings) { settings.max_batch_bytes = 1000; });
  guest_->send(test::sent({test::batch_of(test::lane_of(0), {test::pattern(1001)})}));
  expect_loss("it sent a batch larger than --max-batch-bytes allows here");
}

TEST_F(Guests, WhoDieInTheMiddleOfABatchAreLost) {
  start();
  WireBytes bytes = test::sent({test::batch_of(test::lane_of(0), {test::pattern(1001)})});
  bytes.resize(500);
  guest_->send(bytes);
  guest_->close();
  expect_loss("it closed the connection");
  EXPECT_TRUE(zero_->seen().messages.empty());
}

TEST_F(Guests, WhoFreezeAreWarnedOfAndLost) {
  start([](ClusterSettings& settings) {
    settings.timing.warn_after = 50ms;
    settings.timing.peer_timeout = 400ms;
  });
  zero_->wait_for_warning("process 1 (" + settings_.addresses[1] + ") has been silent for 0 s");
  expect_loss("it has been silent for 0 s");
}

TEST_F(Guests, WhoComeBackAreNotLost) {
  start([](ClusterSettings& settings) { settings.timing.warn_after = 50ms; });
  zero_->wait_for_warning("has been silent");
  guest_->send(test::frame_of(Heartbeat{}));
  zero_->wait_for_warning("answers again");
  EXPECT_TRUE(zero_->seen().lost.empty());
}

TEST_F(Guests, AreSentHeartbeatsOnAnIdleLine) {
  start([](ClusterSettings& settings) { settings.timing.heartbeat_every = 1ms; });
  const WireBytes heartbeat = test::frame_of(Heartbeat{});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(guest_->receive(heartbeat.size()), heartbeat);
}

}  // namespace
}  // namespace cppwax::transport
