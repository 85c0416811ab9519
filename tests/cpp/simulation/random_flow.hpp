// Flows by chance: sources that pause and end at different times, all kinds of steps between them
// and the sinks. What a step does with an item depends on the item and the step alone, so that the
// results can be computed without an engine (model.hpp).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "simulation/random.hpp"
#include "support/int_flow.hpp"

namespace cppwax::simulation {

using test::Ints;
using test::Seat;

// An item's low bits tell from which polled item it comes; 0: from the end of a keyed step.
inline constexpr int kOriginBits = 20;

constexpr std::int64_t make_item(std::uint64_t hash, std::uint64_t origin) {
  return static_cast<std::int64_t>(((hash << kOriginBits) >> 1) & ~((1ull << kOriginBits) - 1)) |
         static_cast<std::int64_t>(origin);
}
constexpr std::uint64_t origin_of(std::int64_t item) {
  return static_cast<std::uint64_t>(item) & ((1ull << kOriginBits) - 1);
}
constexpr std::uint64_t hash_of(std::int64_t item, std::uint64_t salt) {
  return mix(mix(static_cast<std::uint64_t>(item)) ^ salt);
}

// Adds steps to a flow until all streams have come to an end. It fits any number of workers, but
// for the scripts of dynamic sources, of which there are `dynamic_parts`; 0: no dynamic sources, as
// they start anew at each resume.
class RandomFlow {
 public:
  RandomFlow(Random& random, std::uint32_t dynamic_parts)
      : random_(random), dynamic_parts_(dynamic_parts) {
    const std::size_t sources = random_.between(1, 3);
    // Polls of a lone source are joined once some in a row were quick.
    if (sources == 1 && random_.chance(50)) most_polls_ = 5 * kMostPolls;
    for (std::size_t left = sources; left > 0; --left) add_source();
    for (std::size_t left = random_.between(1, 9); left > 0; --left) add_step();
    add_ends();
  }

  const test::Flow& flow() const { return flow_; }
  // Whether items may stay in a keyed step until they are due.
  bool holds_items() const { return holds_items_; }
  static constexpr std::size_t kKeys = 6;
  static constexpr std::size_t kLargestPoll = 40;
  static constexpr std::size_t kMostPolls = 12;
  // Whether polls may be joined; their batches are of at most two items then.
  bool joins_polls() const { return most_polls_ > kMostPolls; }

 private:
  // A stream that needs a consumer, with about how many items it has.
  struct Open {
    std::string stream;
    std::size_t items;
  };

  std::string name(const char* kind) { return kind + std::to_string(steps_++); }
  std::uint64_t salt() { return random_.bits(); }

  std::size_t some_results() { return random_.one_of<std::size_t>({1, 4, 64 * 1024}); }
  Duration some_time() {
    using namespace std::chrono_literals;
    return random_.one_of<Duration>({0ms, 1ms, 1ms, 7ms, 60ms, 3s});
  }

  test::Script script() {
    test::Script script;
    const bool is_long = joins_polls();
    const std::size_t largest = is_long ? 2 : random_.one_of<std::size_t>({1, 3, 8, kLargestPoll});
    const unsigned sleepy = is_long ? 3 : 25;
    for (std::size_t left = random_.below(most_polls_); left > 0; --left) {
      test::Poll poll;
      if (random_.chance(is_long ? 98 : 80)) {
        for (auto items = random_.between(1, largest); items > 0; --items) {
          poll.items.push_back(make_item(salt(), ++origins_));
        }
      }
      if (random_.chance(sleepy)) poll.sleep = some_time();
      script.push_back(std::move(poll));
    }
    return script;
  }

  // Each name is listed by one worker at least, however many there are.
  std::function<std::vector<std::string>(Seat)> listings(std::vector<std::string> names) {
    return [names = std::move(names), salt = salt()](Seat seat) {
      std::vector<std::string> listed;
      for (std::size_t i = 0; i < names.size(); ++i) {
        const std::uint64_t sure = mix(salt + i) % seat.worker_count;
        const bool also = mix(salt ^ mix(100 * i + seat.worker.value())) % 100 < 60;
        if (also || sure == seat.worker.value()) listed.push_back(names[i]);
      }
      return listed;
    };
  }

  void add_source() {
    const std::string id = name("source");
    const std::size_t before = origins_;
    if (dynamic_parts_ > 0 && random_.chance(50)) {
      std::vector<test::Script> scripts;
      for (std::uint32_t w = 0; w < dynamic_parts_; ++w) scripts.push_back(script());
      flow_.dynamic_source(id, [scripts](Seat seat) { return scripts.at(seat.worker.value()); });
    } else {
      test::Flow::Scripts scripts;
      std::vector<std::string> names;
      for (std::size_t part = random_.between(1, 3); part > 0; --part) {
        names.push_back("part" + std::to_string(part));
        scripts[names.back()] = script();
      }
      // From what is drawn already: all else that a seed decides stays as it was.
      const bool starts_now = mix(origins_ + 1) % 100 < 30;
      const bool is_quiet_at_first = starts_now && mix(origins_) % 100 < 50;
      for (auto& [part, polls] : scripts) {
        if (is_quiet_at_first) polls.insert(polls.begin(), test::sleeps(std::chrono::seconds(3)));
      }
      flow_.source(id, std::move(scripts));
      flow_.last().list_parts = listings(names);
      flow_.last().starts_now = starts_now;
    }
    // Tells the run which epoch items are polled in.
    open_.push_back({flow_.inspect("look." + id, id), origins_ - before});
  }

  Open take_stream() {
    if (random_.chance(15)) return open_[random_.below(open_.size())];  // one more consumer
    return random_.take_one(open_);
  }

  void add_step() {
    if (open_.empty()) return;
    const Open up = take_stream();
    switch (random_.below(9)) {
      case 0:
        open_.push_back({flow_.noop(name("noop"), up.stream), up.items});
        break;
      case 1:
        open_.push_back({flow_.redistribute(name("spread"), up.stream), up.items});
        break;
      case 2:
        add_branch(up);
        break;
      case 3:
        add_merge(up);
        break;
      case 4:
      case 5:
        add_flat_map(up);
        break;
      case 6:
        add_keyed(add_keyed(up));
        break;
      default:
        open_.push_back(add_keyed(up));
        break;
    }
  }

  void add_flat_map(const Open& up) {
    const bool is_filter = up.items > 800 || random_.chance(30);
    const std::size_t most = is_filter ? 1 : random_.one_of<std::size_t>({2, 3, 30});
    const std::string down =
        flow_.flat_map(name("map"), up.stream, [most, salt = salt()](std::int64_t item, Ints& out) {
          for (std::uint64_t left = hash_of(item, salt) % (most + 1); left > 0; --left) {
            out.push_back(make_item(hash_of(item, salt + left), origin_of(item)));
          }
        });
    flow_.last().gathered = some_results();
    flow_.last().sees_batches = random_.chance(50);
    open_.push_back({down, up.items * most / 2});
  }

  void add_branch(const Open& up) {
    const std::string down =
        flow_.branch(name("branch"), up.stream,
                     [salt = salt()](std::int64_t item) { return hash_of(item, salt) % 2 == 0; });
    open_.push_back({down, up.items / 2});
    open_.push_back({down + ".else", up.items / 2});
  }

  void add_merge(const Open& up) {
    std::vector<std::string> ups{up.stream};
    std::size_t items = up.items;
    for (std::size_t left = random_.between(1, 2); left > 0 && !open_.empty(); --left) {
      const Open other = take_stream();
      ups.push_back(other.stream);
      items += other.items;
    }
    open_.push_back({flow_.merge(name("merge"), ups), items});
  }

  // Either tells a sum of each key at the end, or holds items until they are due.
  Open add_keyed(const Open& up) {
    const bool holds = random_.chance(40);
    test::KeyedSpec body;
    const std::uint64_t end_salt = salt();
    body.discards_at_eof = !holds || random_.chance(50);
    body.discards_when_due = random_.chance(50);
    if (holds) {
      holds_items_ = true;
      body.due_after = some_time();
      body.on_item = [](std::int64_t, test::KeyState& state, std::int64_t item, Ints&) {
        state.held.push_back(item);
      };
      body.on_due = body.on_eof = [](std::int64_t, test::KeyState& state, Ints& out) {
        out.insert(out.end(), state.held.begin(), state.held.end());
        state.held.clear();
      };
    } else {
      body.on_item = [](std::int64_t, test::KeyState&, std::int64_t item, Ints& out) {
        out.push_back(item);
      };
      body.on_eof = [end_salt](std::int64_t key, test::KeyState& state, Ints& out) {
        out.push_back(make_item(hash_of(key, end_salt) ^ hash_of(state.sum, end_salt), 0));
      };
    }
    const std::string down =
        flow_.keyed_step(name(holds ? "hold" : "sum"), up.stream, std::move(body));
    flow_.last().gathered = some_results();
    flow_.last().sees_batches = random_.chance(50);
    flow_.last().key = [salt = salt()](std::int64_t item) {
      return static_cast<std::int64_t>(hash_of(item, salt) % kKeys);
    };
    return {down, up.items + (holds ? 0 : kKeys)};
  }

  void add_sink(const std::string& up) {
    if (random_.chance(50)) return flow_.sink(name("sink"), up);
    std::vector<std::string> parts;
    for (std::size_t part = random_.between(1, 4); part > 0; --part) {
      parts.push_back("part" + std::to_string(part));
    }
    flow_.partitioned_sink(name("sink"), up, parts);
    flow_.last().list_parts = listings(parts);
    flow_.last().key = [salt = salt()](std::int64_t item) {
      return static_cast<std::int64_t>(hash_of(item, salt) % 1000);
    };
  }

  void add_ends() {
    bool has_sink = false;
    for (const Open& open : open_) {
      if (has_sink && random_.chance(15)) continue;  // nobody consumes it
      add_sink(open.stream);
      if (random_.chance(10)) add_sink(open.stream);
      has_sink = true;
    }
  }

  Random& random_;
  std::uint32_t dynamic_parts_;
  test::Flow flow_;
  std::vector<Open> open_;
  std::size_t most_polls_ = kMostPolls;
  std::size_t steps_ = 0;
  std::uint64_t origins_ = 0;
  bool holds_items_ = false;
};

}  // namespace cppwax::simulation
