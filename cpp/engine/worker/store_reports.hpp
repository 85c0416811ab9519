// What processes tell each other of the recovery store before a run, as bytes
// (docs/wire_format.md, "Reports"). Pure.
#pragma once

#include <set>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/recovery/partition.hpp"
#include "engine/recovery/store_error.hpp"
#include "engine/recovery/store_folder.hpp"
#include "engine/transport/message.hpp"

namespace cppwax::worker {

// A process cannot go on; nor can the others then.
struct StoreRefusal {
  recovery::StoreFault fault;
  std::string message;
};

// First report: what it sees of the store, and what its options say.
struct SightReport {
  std::vector<recovery::FoundPartition> partitions;
  bool drops_strange_states = false;
  bool refuses_strange_states = false;
};

// Second: what the partitions say that it is the primary of.
struct HistoryReport {
  struct Each {
    RecoveryPartitionIndex index;
    recovery::History history;
  };
  std::vector<Each> partitions;
};

// Third, when all know the epoch that the run goes on from: of which steps these partitions have
// states as of then.
struct StepsReport {
  std::set<StepId> steps;
};

// Fourth: the execution's row is in all of them.
struct BegunReport {};

transport::Report write_report(const SightReport& report);
transport::Report write_report(const HistoryReport& report);
transport::Report write_report(const StepsReport& report);
transport::Report write_report(const BegunReport& report);
transport::Report write_report(const StoreRefusal& refusal);

// Errors: TransportError if it is no such report.
std::variant<SightReport, StoreRefusal> read_sight(const transport::Report& report);
std::variant<HistoryReport, StoreRefusal> read_histories(const transport::Report& report);
std::variant<StepsReport, StoreRefusal> read_steps(const transport::Report& report);
std::variant<BegunReport, StoreRefusal> read_begun(const transport::Report& report);

}  // namespace cppwax::worker
