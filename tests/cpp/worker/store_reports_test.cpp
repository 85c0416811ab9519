// What processes tell each other of the store, there and back, and cut off anywhere.
#include "engine/worker/store_reports.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"

namespace cppwax::worker {
namespace {

using recovery::Execution;
using recovery::StoreFault;
using testing::HasSubstr;

SightReport sight() {
  SightReport report;
  report.refuses_strange_states = true;
  report.partitions.push_back(
      {"/db/part-0.sqlite3", {"uuid", RecoveryPartitionIndex(0), 2}, {7, 70}, "host"});
  report.partitions.push_back(
      {"/db/part-1.sqlite3", {"uuid", RecoveryPartitionIndex(1), 2}, {7, 71}, "host"});
  return report;
}

void add(HistoryReport& report, std::vector<Execution> executions, std::uint64_t durable) {
  HistoryReport::Each& each = report.partitions.emplace_back();
  each.index = RecoveryPartitionIndex(static_cast<std::uint32_t>(report.partitions.size() - 1));
  each.history.executions = std::move(executions);
  each.history.durable = Epoch(durable);
  each.history.collected = Epoch(durable / 2);
  each.history.written = Epoch(durable + 1);
}

HistoryReport histories() {
  const Execution first{1, Epoch(0), Epoch(1)};
  const Execution second{2, Epoch(5), Epoch(9)};
  HistoryReport report;
  add(report, {first, second}, 9);
  add(report, {first}, 5);
  add(report, {first, second}, 8);
  return report;
}

TEST(StoreReports, SightsComeBack) {
  const auto back = std::get<SightReport>(read_sight(write_report(sight())));
  EXPECT_TRUE(back.refuses_strange_states);
  EXPECT_FALSE(back.drops_strange_states);
  ASSERT_EQ(back.partitions.size(), 2u);
  EXPECT_EQ(back.partitions[1].path, "/db/part-1.sqlite3");
  EXPECT_EQ(back.partitions[1].host, "host");
  EXPECT_EQ(back.partitions[1].identity, sight().partitions[1].identity);
  EXPECT_EQ(back.partitions[1].file, (recovery::FileId{7, 71}));
}

TEST(StoreReports, HistoriesComeBack) {
  const auto back = std::get<HistoryReport>(read_histories(write_report(histories())));
  ASSERT_EQ(back.partitions.size(), 3u);
  for (std::size_t p = 0; p < 3; ++p) {
    const HistoryReport::Each expected = histories().partitions[p];
    const HistoryReport::Each& each = back.partitions[p];
    EXPECT_EQ(each.index, expected.index);
    EXPECT_EQ(each.history.executions, expected.history.executions);
    EXPECT_EQ(each.history.durable, expected.history.durable);
    EXPECT_EQ(each.history.collected, expected.history.collected);
    EXPECT_EQ(each.history.written, expected.history.written);
  }
}

TEST(StoreReports, StepsComeBack) {
  for (const std::set<StepId>& steps : {std::set<StepId>{}, {"f.a", "f.b"}}) {
    EXPECT_EQ(std::get<StepsReport>(read_steps(write_report(StepsReport{steps}))).steps, steps);
  }
}

TEST(StoreReports, EqualListsOfExecutionsAreToldOnce) {
  HistoryReport many = histories();
  std::vector<Execution> executions;
  for (std::uint64_t n = 1; n <= 1000; ++n) executions.push_back({n, Epoch(n), Epoch(n + 3)});
  many.partitions.resize(1);
  many.partitions[0].history.executions = executions;
  const std::size_t of_one = write_report(many).content.size();
  for (int i = 0; i < 9; ++i) many.partitions.push_back(many.partitions[0]);
  EXPECT_LT(write_report(many).content.size(), of_one + 10 * 100);
}

TEST(StoreReports, RefusalsComeInPlaceOfAny) {
  const transport::Report report = write_report(StoreRefusal{StoreFault::kNewer, "too new"});
  const auto check = [](const auto& read) {
    const auto& refusal = std::get<StoreRefusal>(read);
    EXPECT_EQ(refusal.fault, StoreFault::kNewer);
    EXPECT_EQ(refusal.message, "too new");
  };
  check(read_sight(report));
  check(read_histories(report));
  check(read_steps(report));
  check(read_begun(report));
  EXPECT_TRUE(std::holds_alternative<BegunReport>(read_begun(write_report(BegunReport{}))));
}

TEST(StoreReports, WhatIsCutOffOrOfAnotherKindIsRefused) {
  for (const transport::Report& whole :
       {write_report(sight()), write_report(histories()), write_report(StepsReport{{"f.a", "f.b"}}),
        write_report(StoreRefusal{StoreFault::kDisk, "disk"})}) {
    for (std::size_t size = 0; size < whole.content.size(); ++size) {
      transport::Report part;
      part.content.assign(whole.content.begin(),
                          whole.content.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_THROW(read_sight(part), TransportError) << size;
      EXPECT_THROW(read_histories(part), TransportError) << size;
      EXPECT_THROW(read_steps(part), TransportError) << size;
    }
  }
  EXPECT_THROW(read_sight(write_report(histories())), TransportError);
  EXPECT_THROW(read_begun(write_report(sight())), TransportError);
}

}  // namespace
}  // namespace cppwax::worker
