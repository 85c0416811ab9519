#include "engine/recovery/catalog.hpp"

#include <algorithm>

#include "engine/recovery/row_hash.hpp"

namespace cppwax::recovery {

namespace {

constexpr const char* kReadCatalog = "read what it says of itself";
constexpr const char* kWriteCatalog = "write what it says of itself";

std::int64_t checksum_of(const Execution& execution) {
  return RowHash("execution")
      .add(execution.number)
      .add(execution.cut.value())
      .add(execution.first.value())
      .value();
}

std::int64_t checksum_of(StepNumber number, const StepId& step) {
  return RowHash("step").add(number).add(std::string_view(step)).value();
}

std::int64_t checksum_of(const Segment& segment) {
  return RowHash("segment")
      .add(segment.id)
      .add(segment.step)
      .add(segment.epoch.value())
      .add(segment.blocks)
      .add(segment.entries)
      .add(segment.discards)
      .add(segment.bytes)
      .value();
}

std::int64_t signed_of(Epoch epoch) {
  return static_cast<std::int64_t>(epoch.value());
}

Epoch epoch_in(Statement& row, int column) {
  return Epoch(static_cast<std::uint64_t>(row.number(column)));
}

std::int64_t head_checksum(const std::string& flow_id, const History& history,
                           std::int64_t row_count, std::int64_t row_digest) {
  return RowHash("catalog")
      .add(std::string_view(flow_id))
      .add(history.durable.value())
      .add(history.collected.value())
      .add(history.written.value())
      .add(row_count)
      .add(row_digest)
      .value();
}

void write_head(Database& database, const std::string& flow_id, const History& history,
                std::int64_t row_count, std::int64_t row_digest) {
  Statement(database, "INSERT OR REPLACE INTO catalog VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            kWriteCatalog)
      .bind(1, std::string_view(flow_id))
      .bind(2, signed_of(history.durable))
      .bind(3, signed_of(history.collected))
      .bind(4, signed_of(history.written))
      .bind(5, row_count)
      .bind(6, row_digest)
      .bind(7, head_checksum(flow_id, history, row_count, row_digest))
      .step();
}

}  // namespace

Catalog::Catalog(Database& database) : database_(database) {
  read_executions();
  read_steps();
  read_segments();
  read_head();
}

void Catalog::create(Database& database) {
  write_head(database, "", {}, 0, 0);
}

void Catalog::count_row(std::int64_t checksum) {
  ++row_count_;
  row_digest_ += static_cast<std::uint64_t>(checksum);
}

void Catalog::read_executions() {
  Statement row(database_, "SELECT number, cut, first, checksum FROM execution ORDER BY number",
                kReadCatalog);
  while (row.step()) {
    const Execution each{static_cast<std::uint64_t>(row.number(0)), epoch_in(row, 1),
                         epoch_in(row, 2)};
    if (row.number(3) != checksum_of(each)) {
      database_.damaged("its row of execution " + std::to_string(each.number) +
                        " is not what it was");
    }
    history_.executions.push_back(each);
    count_row(row.number(3));
  }
}

void Catalog::read_steps() {
  Statement row(database_, "SELECT id, step_id, checksum FROM step", kReadCatalog);
  while (row.step()) {
    const StepId step(row.bytes(1));
    if (row.number(2) != checksum_of(row.number(0), step)) {
      database_.damaged("its row of step '" + step + "' is not what it was");
    }
    steps_.emplace(row.number(0), step);
    numbers_.emplace(step, row.number(0));
    count_row(row.number(2));
  }
}

void Catalog::read_segments() {
  Statement row(database_,
                "SELECT id, step, epoch, blocks, entries, discards, bytes, checksum FROM segment",
                kReadCatalog);
  while (row.step()) {
    const Segment each{row.number(0), row.number(1), epoch_in(row, 2), row.number(3),
                       row.number(4), row.number(5), row.number(6)};
    if (row.number(7) != checksum_of(each) || !steps_.contains(each.step)) {
      database_.damaged("its row of segment " + std::to_string(each.id) + " is not what it was");
    }
    segments_.emplace(each.id, each);
    count_row(row.number(7));
  }
}

void Catalog::read_head() {
  Statement row(database_,
                "SELECT flow_id, durable, collected, written, row_count, row_digest, checksum"
                " FROM catalog WHERE id = 1",
                kReadCatalog);
  if (!row.step()) database_.damaged("its catalog is missing");
  flow_id_ = row.bytes(0);
  history_.durable = epoch_in(row, 1);
  history_.collected = epoch_in(row, 2);
  history_.written = epoch_in(row, 3);
  if (row.number(6) != head_checksum(flow_id_, history_, row.number(4), row.number(5))) {
    database_.damaged("its catalog is not what it was");
  }
  if (row.number(4) != row_count_ || static_cast<std::uint64_t>(row.number(5)) != row_digest_) {
    database_.damaged("its catalog names other rows than there are");
  }
}

StepNumber Catalog::number_of(const StepId& step) {
  const auto known = numbers_.find(step);
  if (known != numbers_.end()) return known->second;
  const StepNumber number = steps_.empty() ? 1 : steps_.rbegin()->first + 1;
  const std::int64_t checksum = checksum_of(number, step);
  Statement(database_, "INSERT INTO step VALUES(?1, ?2, ?3)", kWriteCatalog)
      .bind(1, number)
      .bind(2, std::string_view(step))
      .bind(3, checksum)
      .step();
  steps_.emplace(number, step);
  numbers_.emplace(step, number);
  count_row(checksum);
  return number;
}

void Catalog::add(const Segment& segment) {
  const std::int64_t checksum = checksum_of(segment);
  Statement(database_, "INSERT INTO segment VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", kWriteCatalog)
      .bind(1, segment.id)
      .bind(2, segment.step)
      .bind(3, signed_of(segment.epoch))
      .bind(4, segment.blocks)
      .bind(5, segment.entries)
      .bind(6, segment.discards)
      .bind(7, segment.bytes)
      .bind(8, checksum)
      .step();
  segments_.emplace(segment.id, segment);
  count_row(checksum);
}

void Catalog::remove(std::int64_t segment_id) {
  const auto segment = segments_.find(segment_id);
  ENGINE_ASSERT(segment != segments_.end(), segment_id);
  Statement(database_, "DELETE FROM segment WHERE id = ?1", kWriteCatalog)
      .bind(1, segment_id)
      .step();
  --row_count_;
  row_digest_ -= static_cast<std::uint64_t>(checksum_of(segment->second));
  segments_.erase(segment);
}

void Catalog::begin(const Execution& execution, const std::string& flow_id) {
  const std::int64_t checksum = checksum_of(execution);
  Statement(database_, "INSERT INTO execution VALUES(?1, ?2, ?3, ?4)", kWriteCatalog)
      .bind(1, static_cast<std::int64_t>(execution.number))
      .bind(2, signed_of(execution.cut))
      .bind(3, signed_of(execution.first))
      .bind(4, checksum)
      .step();
  history_.executions.push_back(execution);
  history_.durable = std::min(history_.durable, execution.cut);
  flow_id_ = flow_id;
  count_row(checksum);
}

void Catalog::set_durable(Epoch epoch) {
  history_.durable = epoch;
  history_.written = std::max(history_.written, epoch);
}

void Catalog::save() {
  write_head(database_, flow_id_, history_, row_count_, static_cast<std::int64_t>(row_digest_));
}

}  // namespace cppwax::recovery
