#include "engine/worker/store_reports.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/transport/wire.hpp"

namespace cppwax::worker {

namespace {

using transport::WireError;
using transport::WireReader;
using transport::WireWriter;

constexpr std::size_t kMaxText = 64 * 1024;
constexpr std::size_t kMaxMessage = kMaxText;

enum class Kind : std::uint8_t { kRefusal = 0, kSight = 1, kHistories = 2, kSteps = 3, kBegun = 4 };

transport::Report begin(Kind kind) {
  transport::Report report;
  WireWriter(report.content).number(static_cast<std::uint8_t>(kind));
  return report;
}

void write_text(WireWriter& out, const std::string& text) {
  out.text<std::uint32_t>(transport::cut_text(text, kMaxText));
}

std::string read_text(WireReader& in) {
  return in.text<std::uint32_t>(kMaxText);
}

// Of `least` bytes each at least: a count alone reserves nothing.
std::uint32_t read_count(WireReader& in, std::size_t least) {
  const auto count = in.number<std::uint32_t>();
  if (count > in.left() / least) in.fail(WireError::kTooShort);
  return in.failed() ? 0 : count;
}

bool read_flag(WireReader& in) {
  const auto value = in.number<std::uint8_t>();
  if (value > 1) in.fail(WireError::kBadValue);
  return value == 1;
}

Epoch read_epoch(WireReader& in) {
  return Epoch(in.number<std::uint64_t>());
}

recovery::FoundPartition read_partition(WireReader& in) {
  recovery::FoundPartition found;
  found.path = read_text(in);
  found.host = read_text(in);
  found.identity.uuid = read_text(in);
  found.identity.index = RecoveryPartitionIndex(in.number<std::uint32_t>());
  found.identity.count = in.number<std::uint32_t>();
  found.file.device = in.number<std::uint64_t>();
  found.file.inode = in.number<std::uint64_t>();
  return found;
}

void write_executions(WireWriter& out, const std::vector<recovery::Execution>& executions) {
  out.number(static_cast<std::uint32_t>(executions.size()));
  for (const recovery::Execution& each : executions) {
    out.number(each.number);
    out.number(each.cut.value());
    out.number(each.first.value());
  }
}

std::vector<recovery::Execution> read_executions(WireReader& in) {
  std::vector<recovery::Execution> executions;
  const std::uint32_t count = read_count(in, 3 * sizeof(std::uint64_t));
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto number = in.number<std::uint64_t>();
    const Epoch cut = read_epoch(in);
    executions.push_back({number, cut, read_epoch(in)});
  }
  return executions;
}

SightReport read_sight_body(WireReader& in) {
  SightReport report;
  report.drops_strange_states = read_flag(in);
  report.refuses_strange_states = read_flag(in);
  const std::uint32_t count = read_count(in, 36);
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    report.partitions.push_back(read_partition(in));
  }
  return report;
}

HistoryReport read_histories_body(WireReader& in) {
  std::vector<std::vector<recovery::Execution>> lists;
  const std::uint32_t list_count = read_count(in, sizeof(std::uint32_t));
  for (std::uint32_t i = 0; i < list_count && !in.failed(); ++i) {
    lists.push_back(read_executions(in));
  }
  HistoryReport report;
  const std::uint32_t count = read_count(in, 32);
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    HistoryReport::Each each;
    each.index = RecoveryPartitionIndex(in.number<std::uint32_t>());
    const auto list = in.number<std::uint32_t>();
    if (list < lists.size()) {
      each.history.executions = lists[list];
    } else {
      in.fail(WireError::kBadValue);
    }
    each.history.durable = read_epoch(in);
    each.history.collected = read_epoch(in);
    each.history.written = read_epoch(in);
    report.partitions.push_back(std::move(each));
  }
  return report;
}

StepsReport read_steps_body(WireReader& in) {
  StepsReport report;
  const std::uint32_t count = read_count(in, sizeof(std::uint32_t));
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) report.steps.insert(read_text(in));
  return report;
}

StoreRefusal read_refusal(WireReader& in) {
  const auto fault = in.number<std::uint8_t>();
  if (fault > static_cast<std::uint8_t>(recovery::StoreFault::kDisk)) {
    in.fail(WireError::kBadValue);
  }
  return {static_cast<recovery::StoreFault>(fault), read_text(in)};
}

template <class Content, class ReadContent>
std::variant<Content, StoreRefusal> read(const transport::Report& report, Kind kind,
                                         ReadContent&& read_content) {
  WireReader in(report.content);
  const auto came = static_cast<Kind>(in.number<std::uint8_t>());
  if (came != kind && came != Kind::kRefusal) in.fail(WireError::kBadValue);
  std::variant<Content, StoreRefusal> content;
  if (came == kind) {
    content = read_content(in);
  } else {
    content = read_refusal(in);
  }
  in.finish();
  if (!in.failed()) return content;
  throw TransportError(std::string("a report of another process about its recovery store cannot "
                                   "be read: the process sent ") +
                       transport::describe(in.error()));
}

}  // namespace

transport::Report write_report(const SightReport& report) {
  transport::Report bytes = begin(Kind::kSight);
  WireWriter out(bytes.content);
  out.number(static_cast<std::uint8_t>(report.drops_strange_states));
  out.number(static_cast<std::uint8_t>(report.refuses_strange_states));
  out.number(static_cast<std::uint32_t>(report.partitions.size()));
  for (const recovery::FoundPartition& found : report.partitions) {
    write_text(out, found.path);
    write_text(out, found.host);
    write_text(out, found.identity.uuid);
    out.number(found.identity.index.value());
    out.number(found.identity.count);
    out.number(found.file.device);
    out.number(found.file.inode);
  }
  return bytes;
}

// Partitions have the same executions, but for copies that were put back: each list is told once.
transport::Report write_report(const HistoryReport& report) {
  std::vector<const std::vector<recovery::Execution>*> lists;
  std::vector<std::uint32_t> list_of;
  for (const HistoryReport::Each& each : report.partitions) {
    std::uint32_t list = 0;
    while (list < lists.size() && *lists[list] != each.history.executions) ++list;
    if (list == lists.size()) lists.push_back(&each.history.executions);
    list_of.push_back(list);
  }
  transport::Report bytes = begin(Kind::kHistories);
  WireWriter out(bytes.content);
  out.number(static_cast<std::uint32_t>(lists.size()));
  for (const auto* list : lists) write_executions(out, *list);
  out.number(static_cast<std::uint32_t>(report.partitions.size()));
  for (std::size_t p = 0; p < report.partitions.size(); ++p) {
    const HistoryReport::Each& each = report.partitions[p];
    out.number(each.index.value());
    out.number(list_of[p]);
    out.number(each.history.durable.value());
    out.number(each.history.collected.value());
    out.number(each.history.written.value());
  }
  return bytes;
}

transport::Report write_report(const StepsReport& report) {
  transport::Report bytes = begin(Kind::kSteps);
  WireWriter out(bytes.content);
  out.number(static_cast<std::uint32_t>(report.steps.size()));
  for (const StepId& step : report.steps) write_text(out, step);
  return bytes;
}

transport::Report write_report(const BegunReport&) {
  return begin(Kind::kBegun);
}

transport::Report write_report(const StoreRefusal& refusal) {
  transport::Report bytes = begin(Kind::kRefusal);
  WireWriter out(bytes.content);
  out.number(static_cast<std::uint8_t>(refusal.fault));
  out.text<std::uint32_t>(transport::cut_text(refusal.message, kMaxMessage));
  return bytes;
}

std::variant<SightReport, StoreRefusal> read_sight(const transport::Report& report) {
  return read<SightReport>(report, Kind::kSight, read_sight_body);
}

std::variant<HistoryReport, StoreRefusal> read_histories(const transport::Report& report) {
  return read<HistoryReport>(report, Kind::kHistories, read_histories_body);
}

std::variant<StepsReport, StoreRefusal> read_steps(const transport::Report& report) {
  return read<StepsReport>(report, Kind::kSteps, read_steps_body);
}

std::variant<BegunReport, StoreRefusal> read_begun(const transport::Report& report) {
  return read<BegunReport>(report, Kind::kBegun, [](WireReader&) { return BegunReport{}; });
}

}  // namespace cppwax::worker
