// What a store costs: prints it, and requires only that the result is right. For figures, build for
// release and set CPPWAX_STORE_KEYS=200000; CPPWAX_STORE_FOLDER chooses the disk.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/recovery/segment_store.hpp"
#include "engine/recovery/store_folder.hpp"
#include "support/temp_folder.hpp"

namespace cppwax::recovery {
namespace {

// Microseconds on the wall, and of CPU, since it was made.
class Stopwatch {
 public:
  double wall() const { return static_cast<double>((system_clock().steady() - started_).count()); }
  double cpu() const {
    return static_cast<double>(std::clock() - cpu_started_) * 1e6 / CLOCKS_PER_SEC;
  }

 private:
  SteadyTime started_ = system_clock().steady();
  std::clock_t cpu_started_ = std::clock();
};

struct Cost {
  double wall = 0;
  double cpu = 0;

  void add(const Stopwatch& watch) {
    wall += watch.wall();
    cpu += watch.cpu();
  }
  void print(const char* what, std::size_t keys) const {
    std::printf("  %-28s %6.3f us wall, %6.3f us of CPU a key\n", what,
                wall / static_cast<double>(keys), cpu / static_cast<double>(keys));
  }
};

std::size_t keys_of_benchmark() {
  const char* text = std::getenv("CPPWAX_STORE_KEYS");
  return text ? std::stoul(text) : 20'000;
}

class Bench {
 public:
  Bench(const std::string& folder, std::size_t percent_dirty)
      : percent_dirty_(percent_dirty), order_(keys_of_benchmark()) {
    init_store(folder, 1);
    const FoundPartition found = find_partitions(folder).partitions.at(0);
    file_ = {found.path, found.identity, "flow"};
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    live_.resize(order_.size());
  }

  void write_epochs(std::uint64_t epochs) {
    SegmentStore store(file_);
    store.begin({});
    std::size_t dirty = 0;
    Cost write;
    Cost merge;
    for (std::uint64_t epoch = 1; epoch <= epochs; ++epoch) {
      const auto batches = changes(epoch, epoch == 1 ? 100 : percent_dirty_);
      const Stopwatch writing;
      for (const Entries& batch : batches) store.write(Epoch(epoch), "f.step", batch);
      store.commit(Epoch(epoch));
      const Stopwatch merging;
      if (epoch > 2) write.add(writing);
      if (epoch > 1) store.collect(Epoch(epoch - 1));
      while (store.wants_merge()) store.merge_some();
      if (epoch <= 2) continue;
      merge.add(merging);
      for (const Entries& batch : batches) dirty += batch.size();
    }
    const auto bytes = std::filesystem::file_size(file_.path);
    std::printf("%zu keys, %zu %% dirty, %llu epochs; file %.1f MB\n", order_.size(),
                percent_dirty_, static_cast<unsigned long long>(epochs),
                static_cast<double>(bytes) / 1e6);
    write.print("write and commit", dirty);
    merge.print("merge", dirty);
    store.close();
  }

  void load() {
    const Stopwatch opening;
    SegmentStore store(file_);
    store.begin({2, store.history().durable, Epoch(1'000'000)});
    Cost open;
    open.add(opening);
    const Stopwatch loading;
    std::size_t loaded = 0;
    for (Partition::Read read = store.read(); read.kind == Partition::Read::Kind::kEntries;
         read = store.read()) {
      loaded += read.entries.size();
    }
    Cost load;
    load.add(loading);
    open.print("open, check, begin", loaded);
    load.print("load", loaded);
    EXPECT_EQ(loaded, static_cast<std::size_t>(std::count(live_.begin(), live_.end(), true)));
  }

 private:
  // Keys of any place, as a keyed step hands them over.
  std::vector<Entries> changes(std::uint64_t epoch, std::size_t percent) {
    constexpr std::size_t kBatch = 1000;
    std::vector<Entries> batches(1);
    for (std::size_t n = 0; n < order_.size() * percent / 100; ++n) {
      std::swap(order_[n], order_[n + random_() % (order_.size() - n)]);
      const std::size_t key = order_[n];
      Entry entry{"user" + std::to_string(100'000 + 4 * key), std::nullopt};
      live_[key] = random_() % 50 != 0;
      if (live_[key]) entry.state = std::string(5 + random_() % 26, char('a' + epoch % 26));
      if (batches.back().size() == kBatch) batches.emplace_back();
      batches.back().push_back(std::move(entry));
    }
    return batches;
  }

  std::size_t percent_dirty_;
  PartitionFile file_;
  std::vector<std::size_t> order_;
  std::vector<bool> live_;
  std::mt19937_64 random_{1};
};

TEST(StoreCost, OfADirtyKeyAndOfALoadedOne) {
  const test::TempFolder temporary;
  const char* chosen = std::getenv("CPPWAX_STORE_FOLDER");
  const std::filesystem::path folder = chosen ? chosen : temporary.path();
  for (const std::size_t percent : {100u, 20u, 5u}) {
    const auto own = folder / ("dirty-" + std::to_string(percent));
    std::filesystem::create_directory(own);
    Bench bench(own, percent);
    bench.write_epochs(40);
    bench.load();
    std::filesystem::remove_all(own);
  }
}

}  // namespace
}  // namespace cppwax::recovery
