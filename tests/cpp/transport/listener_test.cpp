// Who may join, as time goes by at the wrong moment; the test is the I/O thread.
#include "engine/transport/listener.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <future>
#include <string>
#include <vector>

#include "support/net_node.hpp"
#include "support/raw_socket.hpp"

namespace cppwax::transport {
namespace {

using namespace std::chrono_literals;
using test::RawSocket;
using testing::IsEmpty;

// Process 0 of two, without a secret; process 1 is known by a name.
class Listeners : public testing::Test, private JoinGate {
 protected:
  ~Listeners() override {
    listener_.stop();
    names_.stop();
    io_.run();
  }

  void start() {
    const Address own = parse_address(addresses_[0]);
    listener_.listen(addresses_[0], {{net::ip::make_address(own.host), own.port}});
    listener_.start();
  }
  RawSocket call() {
    RawSocket caller = RawSocket::connect(addresses_[0], addresses_[1]);
    caller.send(test::hello_from(settings_, 1, 0).write());
    caller.send(test::frame_of(Heartbeat{}));
    return caller;
  }

  std::vector<std::string> addresses_ = test::free_addresses(2);
  ClusterSettings settings_ = test::settings_for(1, addresses_);
  Proof proof_{ListedAddresses{}, nullptr, 0, 1min};
  std::promise<void> opened_;  // what a lookup waits for
  std::function<void()> on_answer_ = [] {};
  int joined_ = 0;
  std::vector<std::string> warnings_;

  net::io_context io_{1};
  // Its threads may outlive all else.
  Names names_{io_,
               {{"one", 1}},
               system_clock(),
               [open = opened_.get_future().share(),
                number = parse_address(addresses_[1]).host](const std::string&) -> Found {
                 open.wait();
                 return {{number}, ""};
               }};

 private:
  Roster& roster() override {
    on_answer_();
    return roster_;
  }
  void on_joined(ProcessIndex, std::unique_ptr<Stream> stream, const Hello&) override {
    ++joined_;
    stream->close();
  }
  void on_refused(const std::string& text) override { warnings_.push_back(text); }
  void warn_once(const std::string& text) override { warnings_.push_back(text); }

  Roster roster_{ProcessIndex(0), test::hello_from(settings_, 1, 0).facts, addresses_,
                 RunId{std::byte{1}}};
  Listener listener_{io_, proof_, names_, *this};
};

TEST_F(Listeners, LetWhoCallsWhileItsNameIsLookedUpWait) {
  names_.refresh();
  start();
  const RawSocket caller = call();
  io_.run_for(100ms);
  EXPECT_EQ(joined_, 0);
  opened_.set_value();
  ASSERT_THAT(warnings_, IsEmpty());
  while (joined_ == 0 && io_.run_one() > 0) {
  }
  EXPECT_EQ(joined_, 1);
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(Listeners, SayThatNamesAreStillLookedUp) {
  proof_.limit = 20ms;
  start();
  const RawSocket caller = call();
  while (warnings_.empty() && io_.run_one() > 0) {
  }
  EXPECT_THAT(warnings_,
              testing::ElementsAre(testing::HasSubstr("names are still being looked up")));
  opened_.set_value();
}

TEST_F(Listeners, DoNotTakeInWhoseTimeIsUp) {
  opened_.set_value();
  proof_.limit = 50ms;
  // The word of the caller is read when the limit has closed its socket already.
  on_answer_ = [this] {
    net::io_context other;
    net::steady_timer(other, 2 * proof_.limit).wait();
  };
  start();
  RawSocket caller = call();
  io_.run_for(300ms);
  EXPECT_EQ(joined_, 0);
  caller.receive_to_the_end();
}

}  // namespace
}  // namespace cppwax::transport
