#include "engine/recovery/resume.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace cppwax::recovery {

namespace {

// What a crash can make a partition lack: the epochs that were in flight.
constexpr std::uint64_t kEpochsInFlight = 2;
// Two epochs beyond the last one written may have been opened, and used by items (P15).
constexpr std::uint64_t kFirstBeyondWritten = 3;

std::uint64_t last_execution(const History& history) {
  std::uint64_t last = 0;
  for (const Execution& each : history.executions) last = std::max(last, each.number);
  return last;
}

// Of what lies beyond the cut of an execution that this partition does not know, nothing counts: it
// is of the run before that one.
Epoch agreed_durable(const History& history, const std::vector<History>& all) {
  const std::uint64_t known = last_execution(history);
  Epoch durable = history.durable;
  for (const History& other : all) {
    for (const Execution& each : other.executions) {
      if (each.number > known) durable = std::min(durable, each.cut);
    }
  }
  return durable;
}

std::vector<Execution> executions_in(const std::vector<History>& histories) {
  std::map<std::uint64_t, Execution> by_number;
  for (const History& history : histories) {
    for (const Execution& each : history.executions) by_number.emplace(each.number, each);
  }
  std::vector<Execution> all;
  for (const auto& [number, each] : by_number) all.push_back(each);
  return all;
}

Epoch last_used(const std::vector<History>& histories) {
  Epoch last{};
  for (const History& history : histories) {
    last = std::max({last, history.written, history.durable});
    for (const Execution& each : history.executions) last = std::max(last, each.first);
  }
  return last;
}

// Whether another partition has more than a crash explains: of an execution that this one does not
// know, though it began on all before it wrote; or of epochs that waited for this one.
bool is_behind(const History& history, Epoch durable, const std::vector<History>& all) {
  const std::uint64_t known = last_execution(history);
  return std::any_of(all.begin(), all.end(), [&](const History& other) {
    const Execution* last = nullptr;
    for (const Execution& each : other.executions) {
      if (!last || each.number > last->number) last = &each;
    }
    if (!last || other.durable < last->first) return false;
    // Numbers jump at the beginning of an execution; nothing lies between.
    const std::uint64_t have = std::max(durable.value(), last->first.value() - 1);
    return last->number > known || have + kEpochsInFlight < other.durable.value();
  });
}

std::string text_of(std::size_t partition, Epoch epoch) {
  return "partition " + std::to_string(partition) + " (epoch " + std::to_string(epoch.value()) +
         ")";
}

}  // namespace

Epoch epochs_before(Epoch from, std::uint64_t count, const std::vector<Execution>& executions) {
  for (auto at = executions.rbegin(); at != executions.rend(); ++at) {
    // Of one that made nothing durable, or only what a later one has cut off, nothing is left.
    if (from < at->first) continue;
    const std::uint64_t in_it = from.value() - at->first.value();
    if (count <= in_it) return Epoch(from.value() - count);
    count -= in_it + 1;
    from = at->cut;
  }
  return Epoch(0);
}

Resume find_resume(const std::vector<History>& histories) {
  ENGINE_ASSERT(!histories.empty());
  std::vector<Epoch> durable;
  for (const History& history : histories) durable.push_back(agreed_durable(history, histories));
  const auto least = std::min_element(durable.begin(), durable.end());
  for (std::size_t p = 0; p < histories.size(); ++p) {
    if (histories[p].collected <= *least) continue;
    throw InconsistentPartitionsError(
        text_of(static_cast<std::size_t>(least - durable.begin()), *least) +
        " is too old: " + text_of(p, histories[p].collected) +
        " no longer has the states of that epoch; restore all partitions from copies of one time, "
        "and run with a longer backup interval to be able to go further back");
  }

  Resume resume;
  resume.earlier = executions_in(histories);
  if (resume.earlier.empty()) return resume;
  resume.is_first = false;
  resume.execution = {resume.earlier.back().number + 1, *least,
                      Epoch(last_used(histories).value() + kFirstBeyondWritten)};
  for (std::size_t p = 0; p < histories.size(); ++p) {
    if (is_behind(histories[p], durable[p], histories)) {
      resume.behind.push_back(RecoveryPartitionIndex(static_cast<std::uint32_t>(p)));
    }
  }
  return resume;
}

}  // namespace cppwax::recovery
