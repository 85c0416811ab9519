#include "engine/recovery/schema.hpp"

#include <array>
#include <utility>

#include "engine/recovery/catalog.hpp"
#include "engine/recovery/row_hash.hpp"

namespace cppwax::recovery {

namespace {

// "cpwx", in the file's header.
constexpr std::int64_t kApplicationId = 0x63707778;

// What each version adds to the one before it: a step of the migration is never changed once a
// version with it is out.
constexpr std::array kMigrations{
    "CREATE TABLE migration(version INTEGER PRIMARY KEY, checksum INTEGER NOT NULL);"
    "CREATE TABLE store(id INTEGER PRIMARY KEY, uuid BLOB NOT NULL, part_index INTEGER NOT NULL,"
    " part_count INTEGER NOT NULL, checksum INTEGER NOT NULL);"
    "CREATE TABLE catalog(id INTEGER PRIMARY KEY, flow_id BLOB NOT NULL, durable INTEGER NOT NULL,"
    " collected INTEGER NOT NULL, written INTEGER NOT NULL, row_count INTEGER NOT NULL,"
    " row_digest INTEGER NOT NULL, checksum INTEGER NOT NULL);"
    "CREATE TABLE execution(number INTEGER PRIMARY KEY, cut INTEGER NOT NULL,"
    " first INTEGER NOT NULL, checksum INTEGER NOT NULL);"
    "CREATE TABLE step(id INTEGER PRIMARY KEY, step_id BLOB NOT NULL, checksum INTEGER NOT NULL);"
    "CREATE TABLE segment(id INTEGER PRIMARY KEY, step INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " blocks INTEGER NOT NULL, entries INTEGER NOT NULL, discards INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, checksum INTEGER NOT NULL);"
    "CREATE TABLE block(place INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, body BLOB NOT NULL)",
    // The same tables; sizes within a block became variable.
    "SELECT 1"};

constexpr int kSchemaVersion = static_cast<int>(kMigrations.size());
// Blocks of the one before were never in a release, and nothing reads them.
constexpr int kOldestVersion = 2;

constexpr const char* kReadSchema = "read its tables";

std::int64_t checksum_of(const Identity& identity) {
  return RowHash("store")
      .add(identity.uuid)
      .add(std::uint64_t{identity.index.value()})
      .add(std::uint64_t{identity.count})
      .value();
}

std::int64_t migration_checksum(int version) {
  return RowHash("migration").add(std::int64_t{version}).value();
}

std::string tables_of(Database& database) {
  Statement tables(database, "SELECT name, sql FROM sqlite_master ORDER BY name", kReadSchema);
  std::string text;
  while (tables.step()) {
    text.append(tables.bytes(0)).append("\n").append(tables.bytes(1)).append("\n");
  }
  return text;
}

// As a new file of that version has them.
std::string tables_of_version(int version) {
  Database model(":memory:", Database::Access::kInMemory);
  for (int each = 0; each < version; ++each) {
    model.run(kMigrations[static_cast<std::size_t>(each)], "make its tables");
  }
  return tables_of(model);
}

void check_migrations(Database& database, int version) {
  Statement rows(database, "SELECT version, checksum FROM migration ORDER BY version", kReadSchema);
  int expected = 1;
  for (; rows.step(); ++expected) {
    if (rows.number(0) != expected || rows.number(1) != migration_checksum(expected)) {
      database.damaged("its row of version " + std::to_string(expected) + " is not what it was");
    }
  }
  if (expected != version + 1) database.damaged("its versions are not complete");
}

}  // namespace

void create_schema(Database& database, const Identity& identity) {
  constexpr const char* kDoing = "make its tables";
  database.run("PRAGMA page_size=16384", kDoing);
  Transaction transaction(database, kDoing);
  database.run("PRAGMA application_id=" + std::to_string(kApplicationId), kDoing);
  migrate_schema(database, 0);
  Statement(database, "INSERT INTO store VALUES(1, ?1, ?2, ?3, ?4)", kDoing)
      .bind(1, std::string_view(identity.uuid))
      .bind(2, std::int64_t{identity.index.value()})
      .bind(3, std::int64_t{identity.count})
      .bind(4, checksum_of(identity))
      .step();
  Catalog::create(database);
  transaction.commit();
}

void migrate_schema(Database& database, int version) {
  constexpr const char* kDoing = "bring its tables to the present version";
  for (int each = version; each < kSchemaVersion; ++each) {
    database.run(kMigrations[static_cast<std::size_t>(each)], kDoing);
    Statement(database, "INSERT INTO migration VALUES(?1, ?2)", kDoing)
        .bind(1, std::int64_t{each + 1})
        .bind(2, migration_checksum(each + 1))
        .step();
  }
  database.run("PRAGMA user_version=" + std::to_string(kSchemaVersion), kDoing);
}

int check_schema(Database& database) {
  if (database.number("PRAGMA application_id", kReadSchema) != kApplicationId) {
    throw StoreError(StoreFault::kNotAPartition,
                     database.path() +
                         " is no recovery partition of cppwax (those of Bytewax cannot be read); "
                         "move it away, and make a new store with `python -m cppwax.recovery`");
  }
  const std::int64_t version = database.number("PRAGMA user_version", kReadSchema);
  if (version > kSchemaVersion) {
    throw StoreError(StoreFault::kNewer,
                     "recovery partition " + database.path() + " has format " +
                         std::to_string(version) + ", made by a newer cppwax; this one knows " +
                         std::to_string(kSchemaVersion) + ": install the newer one again");
  }
  if (version < 1) database.damaged("it has no version");
  if (version < kOldestVersion) {
    throw StoreError(StoreFault::kNotAPartition,
                     "recovery partition " + database.path() + " has format " +
                         std::to_string(version) +
                         ", of a cppwax before its first release, which cannot be read any more; "
                         "move it away, and make a new store with `python -m cppwax.recovery`");
  }
  const int known = static_cast<int>(version);
  if (tables_of(database) != tables_of_version(known)) {
    database.damaged("its tables are not those of its format");
  }
  check_migrations(database, known);
  return known;
}

Identity read_identity(Database& database) {
  Statement row(database, "SELECT uuid, part_index, part_count, checksum FROM store WHERE id = 1",
                kReadSchema);
  if (!row.step()) database.damaged("it does not say of which store it is");
  const Identity identity{std::string(row.bytes(0)),
                          RecoveryPartitionIndex(static_cast<std::uint32_t>(row.number(1))),
                          static_cast<std::uint32_t>(row.number(2))};
  if (row.number(3) != checksum_of(identity) || identity.index.value() >= identity.count) {
    database.damaged("what it says of its store is not what it was");
  }
  return identity;
}

}  // namespace cppwax::recovery
