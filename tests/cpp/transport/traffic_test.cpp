// Large batches, slow lines, and what a cluster takes from its process.
#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <filesystem>

#include "engine/transport/cluster.hpp"
#include "support/net_node.hpp"
#include "support/raw_socket.hpp"
#include "support/wire_messages.hpp"

namespace cppwax::transport {
namespace {

using namespace std::chrono_literals;
using test::formed_cluster;
using test::free_addresses;
using test::NetNode;
using test::pattern;
using test::RawSocket;
using test::settings_for;

constexpr std::size_t kMiB = 1024 * 1024;

Lane forth(std::uint32_t channel = 0) {
  return {WorkerIndex(2), ChannelIndex(channel), WorkerIndex(0)};
}

TEST(Traffic, AHundredMegabytesAndWhatIsSmallBesideThem) {
  auto nodes =
      formed_cluster(2, [](ClusterSettings& settings) { settings.timing.warn_after = 5s; });
  const data::Encoded large = {pattern(100), pattern(100 * kMiB, 3)};
  nodes[0]->cluster().send(ProcessIndex(1), test::batch_of(forth(0), large));
  // In the order in which they are to arrive, for the network may be quicker than this thread.
  nodes[0]->cluster().send(ProcessIndex(1),
                           ControlMessage{WorkerIndex(2), channel::Stop{Epoch(1)}});
  nodes[0]->cluster().send(ProcessIndex(1), test::batch_of(forth(1), {pattern(10)}));
  nodes[1]->wait([](const NetNode::Seen& seen) { return seen.messages.size() == 3; });
  const auto messages = nodes[1]->seen().messages;
  EXPECT_TRUE(std::holds_alternative<ControlMessage>(messages[0].second));
  EXPECT_EQ(std::get<BatchMessage>(messages[1].second).lane, forth(1));
  EXPECT_TRUE(test::same_buffers(std::get<BatchMessage>(messages[2].second).buffers, large));
}

// A line of some 30 MB/s, so that the batch takes many times as long as the limit of silence.
class ThinLine : public testing::Test {
 protected:
  static constexpr std::size_t kBytes = 60 * kMiB;
  static constexpr std::size_t kPiece = 64 * 1024;

  void join() {
    settings_ = settings_for(0, free_addresses(2));
    settings_.security = ListedAddresses{};
    settings_.timing.warn_after = 1s;
    settings_.timing.peer_timeout = 2s;
    zero_ = std::make_unique<NetNode>(settings_);
    auto joined = zero_->form_text();
    guest_.emplace(test::join_by_hand(settings_));
    joined.get();
    zero_->cluster().start();
  }
  // The line carries no more before that.
  void pace() {
    std::unique_lock lock(mutex_);
    never_.wait_for(lock, 2ms);
  }
  void expect_no_alarm() {
    EXPECT_TRUE(zero_->seen().lost.empty());
    EXPECT_FALSE(zero_->warned("silent"));
  }

  ClusterSettings settings_;
  std::unique_ptr<NetNode> zero_;
  std::optional<RawSocket> guest_;
  std::mutex mutex_;
  std::condition_variable never_;
};

TEST_F(ThinLine, ToASlowReader) {
  BatchMessage batch = test::batch_of(forth(), {pattern(kBytes)});
  join();
  zero_->cluster().send(ProcessIndex(1), std::move(batch));
  std::size_t got = 0;
  while (got < kBytes) {
    const WireBytes piece = guest_->receive_some(kPiece);
    ASSERT_FALSE(piece.empty());
    got += piece.size();
    guest_->send(test::frame_of(Heartbeat{}));
    pace();
  }
  expect_no_alarm();
}

TEST_F(ThinLine, FromASlowWriter) {
  const WireBytes bytes = test::sent({test::batch_of(test::lane_of(0), {pattern(kBytes)})});
  join();
  for (std::span<const std::byte> left(bytes); !left.empty();) {
    const std::size_t size = std::min(left.size(), kPiece);
    guest_->send(left.first(size));
    left = left.subspan(size);
    pace();
  }
  zero_->wait([](const NetNode::Seen& seen) { return seen.messages.size() == 1; });
  expect_no_alarm();
}

// --- the process ---------------------------------------------------------------------------------

std::size_t entries_of(const char* folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

TEST(Footprint, NoThreadAndNoDescriptorIsLeft) {
  formed_cluster(2);  // what is made once, by OpenSSL or the sanitizers, is made now
  const std::size_t descriptors = entries_of("/proc/self/fd");
  const std::size_t threads = entries_of("/proc/self/task");
  for (int i = 0; i < 5; ++i) {
    auto nodes = formed_cluster(3);
    EXPECT_GT(entries_of("/proc/self/fd"), descriptors);
    for (const auto& node : nodes) node->cluster().close();
    EXPECT_EQ(entries_of("/proc/self/task"), threads);
  }
  EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
}

TEST(Footprint, ProgramsThatAreStartedGetNoDescriptor) {
  const auto nodes = formed_cluster(2);
  std::size_t sockets = 0;
  for (int descriptor = 3; descriptor < 200; ++descriptor) {
    const int flags = ::fcntl(descriptor, F_GETFD);
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const bool socket =
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    if (flags < 0 || !socket) continue;
    ++sockets;
    EXPECT_TRUE(flags & FD_CLOEXEC) << descriptor;
  }
  EXPECT_EQ(sockets, 4u);
}

TEST(Footprint, TheThreadTakesNoSignals) {
  const auto addresses = free_addresses(2);
  NetNode zero(0, addresses);
  NetNode one(1, addresses);
  std::promise<sigset_t> mask;
  one.on_each = [&](ProcessIndex, Message) {
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    mask.set_value(blocked);
  };
  auto joined = zero.form();
  one.form().get();
  joined.get();
  one.cluster().start();
  zero.cluster().send(ProcessIndex(1), FrontierMessage{forth(), Epoch(1)});
  const sigset_t blocked = mask.get_future().get();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1}) {
    EXPECT_TRUE(sigismember(&blocked, signal)) << signal;
  }
}

}  // namespace
}  // namespace cppwax::transport
