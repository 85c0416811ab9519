// Who is let in and who is not, over real sockets: secrets, certificates, listed addresses.
#include "engine/transport/security.hpp"

#include <gmock/gmock.h>

#include "engine/base/error.hpp"
#include "engine/transport/cluster.hpp"
#include "support/certificates.hpp"
#include "support/net_node.hpp"
#include "support/raw_socket.hpp"
#include "support/wire_messages.hpp"

namespace cppwax::transport {
namespace {

using test::free_addresses;
using test::NetNode;
using test::RawListener;
using test::RawSocket;
using test::settings_for;
using testing::HasSubstr;

const std::string kOtherSecret(32, 'x');

std::string host_of(const std::string& address) {
  return address.substr(0, address.rfind(':'));
}

ClusterSettings secured(std::uint32_t process, const std::vector<std::string>& addresses,
                        Security security) {
  ClusterSettings settings = settings_for(process, addresses);
  settings.security = std::move(security);
  return settings;
}

// Processes 0 and 1 try to join; each must say so of the other, and neither ends.
void expect_no_joining(Security of_zero, Security of_one, const std::string& at_zero,
                       const std::string& at_one) {
  const auto addresses = free_addresses(2);
  NetNode zero(secured(0, addresses, std::move(of_zero)));
  NetNode one(secured(1, addresses, std::move(of_one)));
  auto zero_text = zero.form_text();
  auto one_text = one.form_text();
  zero.wait_for_warning(at_zero);
  one.wait_for_warning(at_one);
  EXPECT_TRUE(one.warned("process 0 (" + addresses[0] + ") "));
  for (NetNode* node : {&zero, &one}) node->cluster().interrupt();
  EXPECT_EQ(zero_text.get(), "interrupted");
  EXPECT_EQ(one_text.get(), "interrupted");
  // Again and again it was refused, and told once.
  EXPECT_EQ(zero.seen().warnings.size(), 1u);
  EXPECT_EQ(one.seen().warnings.size(), 1u);
}

TEST(Security, AnotherSecretIsNamedOnBothSides) {
  expect_no_joining(SharedSecret{test::kSecret}, SharedSecret{kOtherSecret},
                    "has another cluster secret", "has another cluster secret");
}

TEST(Security, ASecretOnOneSideIsNamedOnBothSides) {
  const std::string why = "one process has a cluster secret, the other has none";
  expect_no_joining(SharedSecret{test::kSecret}, ListedAddresses{},
                    "one process has a cluster secret or certificates, the other has none", why);
  expect_no_joining(ListedAddresses{}, SharedSecret{test::kSecret},
                    "one process has a cluster secret or certificates, the other has none", why);
}

class CertificatesTest : public testing::Test {
 protected:
  std::vector<std::string> addresses_ = free_addresses(2);
  test::TestCertificates files_{host_of(addresses_[0])};
};

TEST_F(CertificatesTest, OfOneAuthorityJoin) {
  NetNode zero(secured(0, addresses_, files_.node()));
  NetNode one(secured(1, addresses_, files_.node()));
  auto joined = zero.form_text();
  EXPECT_EQ(one.form_text().get(), "joined");
  EXPECT_EQ(joined.get(), "joined");
}

TEST_F(CertificatesTest, OfAnotherAuthorityDoNot) {
  for (const bool stranger_dials : {true, false}) {
    NetNode zero(secured(0, addresses_, stranger_dials ? files_.node() : files_.stranger()));
    NetNode one(secured(1, addresses_, stranger_dials ? files_.stranger() : files_.node()));
    auto zero_text = zero.form_text();
    auto one_text = one.form_text();
    NetNode& honest = stranger_dials ? zero : one;
    honest.wait_for_warning("has a certificate that the CA has not signed");
    for (NetNode* node : {&zero, &one}) node->cluster().interrupt();
    EXPECT_EQ(zero_text.get(), "interrupted");
    EXPECT_EQ(one_text.get(), "interrupted");
    for (NetNode* node : {&zero, &one}) node->cluster().close();
  }
}

TEST_F(CertificatesTest, OfAnotherNameDoNot) {
  const test::TestCertificates elsewhere("192.0.2.7");
  NetNode zero(secured(0, addresses_, elsewhere.node()));
  NetNode one(secured(1, addresses_, elsewhere.node()));
  auto zero_text = zero.form_text();
  auto one_text = one.form_text();
  one.wait_for_warning("for another name");
  for (NetNode* node : {&zero, &one}) node->cluster().interrupt();
  EXPECT_EQ(zero_text.get(), "interrupted");
  EXPECT_EQ(one_text.get(), "interrupted");
}

TEST_F(CertificatesTest, AndSecretsDoNotMix) {
  for (const bool secret_dials : {true, false}) {
    const Security secret = SharedSecret{test::kSecret};
    const Security certificate = files_.node();
    NetNode zero(secured(0, addresses_, secret_dials ? certificate : secret));
    NetNode one(secured(1, addresses_, secret_dials ? secret : certificate));
    auto zero_text = zero.form_text();
    auto one_text = one.form_text();
    zero.wait_for_warning("was refused");
    one.wait_for_warning("process 0 (");
    for (NetNode* node : {&zero, &one}) node->cluster().interrupt();
    EXPECT_EQ(zero_text.get(), "interrupted");
    EXPECT_EQ(one_text.get(), "interrupted");
    for (NetNode* node : {&zero, &one}) node->cluster().close();
  }
}

TEST_F(CertificatesTest, ThatCannotBeReadAreNamed) {
  Certificates files = files_.node();
  files.ca_file = "/nowhere/ca.pem";
  try {
    NetNode node(secured(0, addresses_, files));
    ADD_FAILURE();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot use the TLS CA \"/nowhere/ca.pem\""));
  }
}

TEST(Security, AnAddressOnNoListIsNamed) {
  const auto addresses = free_addresses(2);
  NetNode zero(secured(0, addresses, ListedAddresses{}));
  auto text = zero.form_text();
  RawSocket stranger = RawSocket::connect(addresses[0], "127.0.0.1:1");
  stranger.send("hello");
  EXPECT_TRUE(stranger.receive_to_the_end().empty());
  zero.wait_for_warning("127.0.0.1 was refused: no entry of the address list resolves to it");
  zero.cluster().interrupt();
  EXPECT_EQ(text.get(), "interrupted");
}

TEST(Security, TheOtherKindOfFirstByteIsAnsweredInPlain) {
  const std::string line = "cppwax: refused: one process has ";
  for (const bool secret : {true, false}) {
    const auto addresses = free_addresses(2);
    NetNode zero(
        secured(0, addresses, secret ? Security(SharedSecret{test::kSecret}) : ListedAddresses{}));
    auto text = zero.form_text();
    RawSocket client = RawSocket::connect(addresses[0], addresses[1]);
    client.send(secret ? "CPPWAX" : "\x16\x03\x01");
    client.end_sending();
    const WireBytes answer = client.receive_to_the_end();
    EXPECT_THAT(std::string(reinterpret_cast<const char*>(answer.data()), answer.size()),
                testing::AllOf(testing::StartsWith(line), testing::EndsWith("none\n")));
    zero.cluster().interrupt();
    text.get();
  }
}

TEST(Security, KeysChangeOnTheWay) {
  auto nodes =
      test::formed_cluster(2, [](ClusterSettings& settings) { settings.key_bytes = 100'000; });
  const data::Encoded buffers = {test::pattern(5'000'000, 1)};
  for (const std::uint32_t from : {0u, 1u}) {
    const Lane lane{WorkerIndex(2 * (1 - from)), ChannelIndex(0), WorkerIndex(2 * from)};
    nodes[from]->cluster().send(ProcessIndex(1 - from), test::batch_of(lane, buffers));
  }
  for (const auto& node : nodes) {
    node->wait([](const NetNode::Seen& seen) { return seen.messages.size() == 1; });
    const auto messages = node->seen().messages;
    EXPECT_TRUE(test::same_buffers(std::get<BatchMessage>(messages[0].second).buffers, buffers));
  }
}

// What both sides sent, each in one piece.
TEST(Security, ARecordingOfASessionIsWorthNothing) {
  const auto addresses = free_addresses(2);
  WireBytes recording;
  {
    // Between the two: process 1 thinks that process 0 is at the relay.
    const auto relay_address = free_addresses(1)[0];
    RawListener relay(relay_address);
    NetNode zero(settings_for(0, addresses));
    NetNode one(settings_for(1, {relay_address, addresses[1]}));
    auto zero_text = zero.form_text();
    auto one_text = one.form_text();
    RawSocket to_one = relay.accept();
    RawSocket to_zero = RawSocket::connect(addresses[0]);
    auto back = std::async(std::launch::async, [&] {
      for (WireBytes some; !(some = to_zero.receive_some(4096)).empty();) to_one.send(some);
      to_one.end_sending();
    });
    auto forth = std::async(std::launch::async, [&] {
      for (WireBytes some; !(some = to_one.receive_some(4096)).empty();) {
        recording.insert(recording.end(), some.begin(), some.end());
        to_zero.send(some);
      }
      to_zero.end_sending();
    });
    EXPECT_EQ(zero_text.get(), "joined");
    EXPECT_EQ(one_text.get(), "joined");
    zero.cluster().close();
    one.cluster().close();
    back.get();
    forth.get();
  }
  NetNode zero(settings_for(0, addresses));
  auto zero_text = zero.form_text();
  RawSocket replay = RawSocket::connect(addresses[0]);
  replay.send(recording);
  replay.end_sending();
  replay.receive_to_the_end();
  zero.wait_for_warning("was refused");
  NetNode one(settings_for(1, addresses));
  EXPECT_EQ(one.form_text().get(), "joined");
  EXPECT_EQ(zero_text.get(), "joined");
}

}  // namespace
}  // namespace cppwax::transport
