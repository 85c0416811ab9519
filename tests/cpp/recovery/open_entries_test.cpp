#include "engine/recovery/open_entries.hpp"

#include <gmock/gmock.h>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace cppwax::recovery {
namespace {

using Told = std::vector<std::pair<std::string, std::optional<std::string>>>;

Told drained(OpenEntries& entries) {
  Told told;
  entries.drain([&](std::string_view bytes, const EntryView& entry) {
    std::string expected;
    append_entry(expected, entry);
    EXPECT_EQ(bytes, expected);
    told.emplace_back(entry.key, entry.state);
  });
  return told;
}

// Keys that begin alike, that are beginnings of others, and with bytes of all kinds.
std::string some_key(std::mt19937_64& random) {
  static const std::vector<std::string> beginnings{"", "user-", "a long beginning ", "\xff\xff"};
  std::string key = beginnings[random() % beginnings.size()];
  const std::string bytes("\0\1a\x7f\x80\xff", 6);
  for (auto left = random() % 12; left > 0; --left) key += bytes[random() % bytes.size()];
  return key;
}

TEST(OpenEntries, TellsEachKeyOnceInOrderAsItWasAddedLast) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const std::string shared = seed % 2 ? "step/" : "";
    OpenEntries entries;
    for (int round = 0; round < 2; ++round) {
      std::map<std::string, std::optional<std::string>> expected;
      for (auto left = random() % 400; left > 0; --left) {
        const std::string key = shared + some_key(random);
        std::optional<std::string> state;
        if (random() % 4) state = std::string(random() % 200, 's') + std::to_string(left);
        expected[key] = state;
        entries.add({key, state});
      }
      EXPECT_EQ(entries.empty(), expected.empty());
      ASSERT_EQ(drained(entries), Told(expected.begin(), expected.end()));
      EXPECT_TRUE(entries.empty());
    }
  }
}

TEST(OpenEntries, TellsNothingOfNothing) {
  OpenEntries entries;
  EXPECT_TRUE(entries.empty());
  EXPECT_TRUE(drained(entries).empty());
}

}  // namespace
}  // namespace cppwax::recovery
