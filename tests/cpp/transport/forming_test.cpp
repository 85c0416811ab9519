// Processes that find each other, or tell why not, over real sockets.
#include <gmock/gmock.h>

#include <algorithm>
#include <functional>

#include "engine/base/error.hpp"
#include "engine/transport/cluster.hpp"
#include "support/net_node.hpp"
#include "support/raw_socket.hpp"

namespace cppwax::transport {
namespace {

using namespace std::chrono_literals;
using test::free_addresses;
using test::NetNode;
using test::settings_for;
using testing::AllOf;
using testing::HasSubstr;

ClusterSettings talkative(std::uint32_t process, const std::vector<std::string>& addresses) {
  ClusterSettings settings = settings_for(process, addresses);
  settings.timing.report_every = 10ms;
  return settings;
}

TEST(Forming, WhoIsFirstWaitsAndSaysForWhom) {
  const auto addresses = free_addresses(2);
  for (const std::uint32_t first : {0u, 1u}) {
    NetNode early(talkative(first, addresses));
    auto early_joined = early.form();
    early.wait_for_warning("waiting for process " + std::to_string(1 - first) + " at " +
                           addresses[1 - first] + " (0 s)");
    NetNode late(talkative(1 - first, addresses));
    EXPECT_EQ(late.form().get(), FormEnd::kJoined);
    EXPECT_EQ(early_joined.get(), FormEnd::kJoined);
    if (first == 1) {
      EXPECT_TRUE(early.warned("refused"));
    }
  }
}

TEST(Forming, AnyStartOrderOfFourJoins) {
  std::vector<std::uint32_t> order{0, 1, 2, 3};
  do {
    if (order[0] > order[3]) continue;  // half of them, for time
    const auto addresses = free_addresses(4);
    std::vector<std::unique_ptr<NetNode>> nodes;
    std::vector<std::future<FormEnd>> joined;
    for (const std::uint32_t process : order) {
      nodes.push_back(std::make_unique<NetNode>(process, addresses));
      joined.push_back(nodes.back()->form());
    }
    for (auto& one : joined) EXPECT_EQ(one.get(), FormEnd::kJoined);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Forming, NamesAndNumbersOfBothFamiliesAreAddresses) {
  const std::string port = free_addresses(1)[0].substr(free_addresses(1)[0].rfind(':'));
  const std::vector<std::string> addresses{"[::1]" + port, "localhost:3" + port.substr(2)};
  NetNode zero(0, addresses);
  NetNode one(1, addresses);
  auto joined = zero.form();
  EXPECT_EQ(one.form().get(), FormEnd::kJoined);
  EXPECT_EQ(joined.get(), FormEnd::kJoined);
}

TEST(Forming, BindsElsewhereThanTheListSays) {
  // Of two ports, since one of all addresses leaves none of them free.
  const std::vector<std::string> addresses{free_addresses(1)[0], free_addresses(2)[1]};
  ClusterSettings settings = settings_for(0, addresses);
  settings.bind = "0.0.0.0" + addresses[0].substr(addresses[0].rfind(':'));
  NetNode zero(std::move(settings));
  NetNode one(1, addresses);
  auto joined = zero.form();
  EXPECT_EQ(one.form().get(), FormEnd::kJoined);
  EXPECT_EQ(joined.get(), FormEnd::kJoined);
}

// --- what is not to be joined --------------------------------------------------------------------

using Change = std::function<void(ClusterSettings&)>;

// Process 1 differs.
struct Odd {
  Change change;
  std::string at_zero;
  std::string at_one;
};

void PrintTo(const Odd& odd, std::ostream* out) {
  *out << odd.at_zero;
}

class OddProcesses : public testing::TestWithParam<Odd> {};

TEST_P(OddProcesses, EndBothWithTheDifferenceNamed) {
  const auto addresses = free_addresses(2);
  NetNode zero(0, addresses);
  ClusterSettings settings = settings_for(1, addresses);
  GetParam().change(settings);
  NetNode one(std::move(settings));
  auto at_zero = zero.form_text();
  EXPECT_THAT(one.form_text().get(), HasSubstr(GetParam().at_one));
  EXPECT_THAT(at_zero.get(), HasSubstr(GetParam().at_zero));
}

INSTANTIATE_TEST_SUITE_P(
    All, OddProcesses,
    testing::Values(Odd{[](ClusterSettings& s) { s.facts.flow_id = "other"; },
                        "runs the dataflow \"other\", this one (process 0) \"flow\"",
                        "runs the dataflow \"flow\", this one (process 1) \"other\""},
                    Odd{[](ClusterSettings& s) { s.facts.fingerprint = "other"; },
                        "has other steps", "has other steps"},
                    Odd{[](ClusterSettings& s) { s.facts.python_version = "3.9"; },
                        "runs Python 3.9", "runs Python 3.11"},
                    Odd{[](ClusterSettings& s) { s.facts.cppwax_version = "9"; }, "runs cppwax 9",
                        "runs cppwax 0.1.0"},
                    Odd{[](ClusterSettings& s) { s.facts.recovery = true; }, "runs with recovery",
                        "runs without recovery"},
                    Odd{[](ClusterSettings& s) { s.facts.workers_per_process = 3; },
                        "has 3 workers", "has 2 workers"},
                    Odd{[](ClusterSettings& s) { s.addresses.push_back("127.0.0.1:9"); },
                        "has 3 addresses in its list", "has 2 addresses in its list"}));

TEST(Forming, AnOddProcessEndsAllOthersToo) {
  const auto addresses = free_addresses(3);
  NetNode zero(0, addresses);
  NetNode two(talkative(2, addresses));
  auto at_zero = zero.form_text();
  auto at_two = two.form_text();
  two.wait_for_warning("waiting for process 1");  // so it has joined process 0
  ClusterSettings settings = settings_for(1, addresses);
  settings.facts.flow_id = "other";
  NetNode one(std::move(settings));
  const std::string why = "runs the dataflow \"other\"";
  one.form_text().get();
  // Whoever of the two meets it tells the other.
  EXPECT_THAT(at_zero.get(), HasSubstr(why));
  EXPECT_THAT(at_two.get(), HasSubstr(why));
}

TEST(Forming, AListInAnotherOrderIsNamed) {
  const auto addresses = free_addresses(3);
  NetNode one(talkative(1, addresses));
  NetNode zero(0, addresses);
  auto at_one = one.form_text();
  auto at_zero = zero.form_text();
  one.wait_for_warning("waiting for process 2");  // so it can tell process 0
  // Takes process 1 for process 0.
  NetNode two(settings_for(2, {addresses[1], addresses[0], addresses[2]}));
  EXPECT_THAT(two.form_text().get(),
              AllOf(HasSubstr(addresses[1] + " says that it is process 1"),
                    HasSubstr("the address list says that it is process 0")));
  EXPECT_THAT(at_one.get(), HasSubstr("takes this process for process 0, it is process 1"));
  EXPECT_THAT(at_zero.get(), HasSubstr("process 1 (" + addresses[1] + ") ended: process 2"));
}

TEST(Forming, ASecondProcessOfAnIndexEndsAlone) {
  const auto addresses = free_addresses(3);
  NetNode zero(0, addresses);
  NetNode one(talkative(1, addresses));
  auto at_zero = zero.form_text();
  auto at_one = one.form_text();
  // Process 1 has joined when it waits for 2 as well; the second one listens elsewhere.
  ClusterSettings settings = settings_for(1, addresses);
  settings.bind = free_addresses(3)[2];
  one.wait_for_warning("waiting for process 2");
  NetNode second(std::move(settings));
  EXPECT_THAT(second.form_text().get(),
              HasSubstr("process 0 (" + addresses[0] + ") has a process 1 already"));
  zero.wait_for_warning("refused a second process 1");
  NetNode two(2, addresses);
  EXPECT_EQ(two.form_text().get(), "joined");
  EXPECT_EQ(at_zero.get(), "joined");
  EXPECT_EQ(at_one.get(), "joined");
}

TEST(Forming, AProcessThatComesLateIsToldSo) {
  const auto addresses = free_addresses(2);
  NetNode zero(0, addresses);
  NetNode one(1, addresses);
  auto at_zero = zero.form();
  one.form().get();
  at_zero.get();
  ClusterSettings settings = settings_for(1, addresses);
  settings.bind = free_addresses(2)[1];
  NetNode late(std::move(settings));
  EXPECT_THAT(late.form_text().get(), HasSubstr("says that all processes have joined"));
  zero.wait_for_warning("refused another process 1");
  EXPECT_TRUE(zero.seen().lost.empty());
}

TEST(Forming, AnAddressInUseIsNamed) {
  const auto addresses = free_addresses(2);
  const test::RawListener occupied(addresses[0]);
  NetNode zero(0, addresses);
  EXPECT_THAT(zero.form_text().get(),
              HasSubstr("cannot listen on " + addresses[0] + ": the address is in use"));
}

TEST(Forming, AnAddressOfAnotherMachineIsNamed) {
  NetNode zero(0, {"192.0.2.1:2101", "127.0.0.1:2101"});
  EXPECT_THAT(zero.form_text().get(),
              AllOf(HasSubstr("cannot listen on 192.0.2.1:2101"), HasSubstr("--bind")));
}

TEST(Forming, GivesUpInTimeAndSaysWhoIsMissing) {
  const auto addresses = free_addresses(3);
  ClusterSettings settings = settings_for(0, addresses);
  settings.timing.connect_timeout = 50ms;
  NetNode zero(std::move(settings));
  EXPECT_EQ(zero.form_text().get(), "not all processes joined within 0 s: process 1 at " +
                                        addresses[1] + " is missing; process 2 at " + addresses[2] +
                                        " is missing");
}

TEST(Forming, GivingUpIsToldToThoseWhoHaveJoined) {
  const auto addresses = free_addresses(3);
  ClusterSettings settings = settings_for(0, addresses);
  settings.timing.connect_timeout = 1s;
  NetNode zero(std::move(settings));
  NetNode one(1, addresses);
  auto at_zero = zero.form_text();
  auto at_one = one.form_text();
  EXPECT_THAT(at_zero.get(), HasSubstr("process 2 at " + addresses[2] + " is missing"));
  zero.cluster().close();
  EXPECT_THAT(at_one.get(), HasSubstr("process 0 (" + addresses[0] + ") ended: not all"));
}

TEST(Forming, CanBeInterrupted) {
  NetNode node(1, free_addresses(3));
  auto text = node.form_text();
  node.cluster().interrupt();
  EXPECT_EQ(text.get(), "interrupted");
}

TEST(Forming, ALossMeanwhileIsTold) {
  const auto addresses = free_addresses(3);
  NetNode zero(0, addresses);
  auto at_zero = zero.form_text();
  {
    ClusterSettings settings = talkative(1, addresses);
    NetNode one(std::move(settings));
    auto at_one = one.form_text();
    // It waits for process 2 only once it has joined process 0.
    one.wait_for_warning("waiting for process 2");
    one.cluster().interrupt();
    at_one.get();
  }
  EXPECT_THAT(at_zero.get(), AllOf(HasSubstr("lost process 1 (" + addresses[1] + ")"),
                                   HasSubstr("while the cluster was forming")));
}

// Else its place is taken, and who is started instead is refused.
TEST(Forming, OneThatFallsSilentMeanwhileIsLost) {
  const auto addresses = free_addresses(3);
  ClusterSettings settings = settings_for(0, addresses);
  settings.security = ListedAddresses{};
  settings.timing.warn_after = 50ms;
  settings.timing.peer_timeout = 400ms;
  NetNode zero(settings);
  auto at_zero = zero.form_text();
  const test::RawSocket one = test::join_by_hand(settings);
  EXPECT_EQ(at_zero.get(), "lost process 1 (" + addresses[1] + "): it has been silent for 0 s, " +
                               "while the cluster was forming");
  EXPECT_TRUE(zero.warned("has been silent"));
}

TEST(Forming, ANameThatMeansNothingIsTriedAgain) {
  const auto addresses = free_addresses(2);
  ClusterSettings settings = talkative(1, {"no-such-host.invalid:2101", addresses[1]});
  NetNode one(std::move(settings));
  auto text = one.form_text();
  one.wait_for_warning("cannot resolve its name");
  one.cluster().interrupt();
  EXPECT_EQ(text.get(), "interrupted");
}

TEST(Forming, AnOwnNameThatMeansNothingIsAReasonAtTheEnd) {
  ClusterSettings settings = settings_for(1, {free_addresses(1)[0], "no-such-host.invalid:2101"});
  settings.timing.connect_timeout = 50ms;
  NetNode one(std::move(settings));
  EXPECT_THAT(one.form_text().get(),
              AllOf(HasSubstr("not all processes joined within 0 s"),
                    HasSubstr("no-such-host.invalid:2101, the address of this process")));
}

TEST(Forming, WrongSettingsAreConfigErrors) {
  const auto addresses = free_addresses(2);
  EXPECT_THROW(NetNode(2, addresses), ConfigError);
  EXPECT_THROW(NetNode(0, {"nonsense"}), ConfigError);
  ClusterSettings settings = settings_for(0, addresses);
  settings.security = SharedSecret{"short"};
  try {
    NetNode node(settings);
    ADD_FAILURE();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("5 characters"), HasSubstr("at least 32"),
                                    testing::Not(HasSubstr("short"))));
  }
}

}  // namespace
}  // namespace cppwax::transport
