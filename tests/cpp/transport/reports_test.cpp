// What all processes tell each other before the start: the rounds, and over real sockets.
#include "engine/transport/reports.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <future>
#include <string>

#include "support/net_node.hpp"

namespace cppwax::transport {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Report report_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {{bytes.begin(), bytes.end()}};
}

std::vector<std::string> texts_of(const ReportRound& round) {
  std::vector<std::string> texts;
  for (const Report& report : round) {
    texts.emplace_back(reinterpret_cast<const char*>(report.content.data()), report.content.size());
  }
  return texts;
}

TEST(Reports, ARoundIsOneOfEach) {
  Reports reports(2);
  EXPECT_TRUE(reports.add(ProcessIndex(1), report_of("b")));
  EXPECT_TRUE(reports.add(ProcessIndex(1), report_of("d")));
  EXPECT_FALSE(reports.take_round());
  EXPECT_TRUE(reports.add(ProcessIndex(0), report_of("a")));
  EXPECT_THAT(texts_of(*reports.take_round()), ElementsAre("a", "b"));
  EXPECT_FALSE(reports.take_round());
  EXPECT_TRUE(reports.add(ProcessIndex(0), report_of("c")));
  EXPECT_THAT(texts_of(*reports.take_round()), ElementsAre("c", "d"));
}

TEST(Reports, NobodyIsTwoRoundsAhead) {
  Reports reports(2);
  EXPECT_TRUE(reports.add(ProcessIndex(1), report_of("a")));
  EXPECT_TRUE(reports.add(ProcessIndex(1), report_of("b")));
  EXPECT_FALSE(reports.add(ProcessIndex(1), report_of("c")));
}

using Gathered = std::future<std::optional<ReportRound>>;

Gathered gather(test::NetNode& node, const std::string& text) {
  return std::async(std::launch::async,
                    [&node, text] { return node.cluster().gather(report_of(text)); });
}

TEST(Gather, GivesWhatAllTell) {
  const auto nodes = test::formed_cluster(3);
  for (const std::string round : {"first ", "second "}) {
    std::vector<Gathered> gathered;
    for (std::size_t p = 0; p < 3; ++p) {
      gathered.push_back(gather(*nodes[p], round + std::to_string(p)));
    }
    for (Gathered& each : gathered) {
      EXPECT_THAT(texts_of(each.get().value()), ElementsAre(round + "0", round + "1", round + "2"));
    }
  }
}

TEST(Gather, WhatWasToldCountsThoughItsSenderIsGone) {
  const auto nodes = test::formed_cluster(2);
  auto last = gather(*nodes[1], "b");
  nodes[0]->cluster().gather(report_of("a"));
  nodes[0]->cluster().close();
  EXPECT_TRUE(last.get());
}

TEST(Gather, GivesNothingWhenAProcessIsLostOrFailsBefore) {
  for (const bool fails : {false, true}) {
    const auto nodes = test::formed_cluster(3);
    auto first = gather(*nodes[0], "a");
    auto second = gather(*nodes[1], "b");
    if (fails) {
      nodes[2]->cluster().fail({});
    } else {
      nodes[2]->cluster().close();
    }
    EXPECT_FALSE(first.get());
    EXPECT_FALSE(second.get());
  }
}

TEST(Gather, IsEndedByAnInterruption) {
  const auto nodes = test::formed_cluster(2);
  auto waits = gather(*nodes[0], "a");
  nodes[0]->cluster().interrupt();
  EXPECT_FALSE(waits.get());
}

TEST(Gather, OneThatTellsTooMuchIsClosed) {
  const auto nodes = test::formed_cluster(2);
  for (int i = 0; i < 3; ++i) nodes[1]->cluster().send(ProcessIndex(0), report_of("x"));
  nodes[0]->wait([](const test::NetNode::Seen& seen) { return !seen.lost.empty(); });
  EXPECT_THAT(nodes[0]->seen().lost[0], HasSubstr("a report too many"));
}

}  // namespace
}  // namespace cppwax::transport
