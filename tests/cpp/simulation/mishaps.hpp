// What goes wrong in one simulated run of a cluster.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "engine/base/clock.hpp"
#include "simulation/random.hpp"

namespace cppwax::simulation {

// What a seed decides to happen; turns count from the begin of the run.
struct Mishaps {
  Mishaps(Random& random, std::uint32_t processes, std::uint32_t workers) {
    const auto some_turn = [&] {
      return random.below(random.one_of<std::size_t>({30, 500, 5000}));
    };
    const auto someone = [&] { return static_cast<std::uint32_t>(random.below(processes)); };
    if (random.chance(40)) {
      for (std::size_t left = random.between(1, 4); left > 0; --left) {
        const std::size_t call = random.below(random.one_of<std::size_t>({10, 100, 1000}));
        failures.emplace(static_cast<std::uint32_t>(random.below(processes * workers)), call);
      }
    }
    if (random.chance(10)) aborts_at_poll = random.below(6);
    if (random.chance(40)) {
      when = random.one_of({When::kAtTurn, When::kInRound, When::kAfterDone});
      victims.insert(someone());
      if (random.chance(30)) victims.insert(someone());
      if (victims.size() == processes) victims.erase(victims.begin());
      kill_turn = some_turn();
    }
    if (random.chance(10)) {
      cut_turn = some_turn();
      cut = {someone(), 0};
      cut.second = (cut.first + 1) % processes;
    }
    if (random.chance(10)) {
      freeze_turn = some_turn();
      frozen = someone();
      frozen_for = std::chrono::milliseconds(random.one_of<int>({50, 500, 1500, 20'000}));
    }
    if (random.chance(30)) {
      for (std::size_t left = random.between(1, 2); left > 0; --left) {
        stops.emplace(some_turn(), someone());
      }
    }
  }

  enum class When { kAtTurn, kInRound, kAfterDone };

  std::map<std::uint32_t, std::size_t> failures;  // by worker: at which call of user code
  std::optional<std::size_t> aborts_at_poll;
  std::set<std::uint32_t> victims;
  When when = When::kAtTurn;
  std::size_t kill_turn = 0;
  std::optional<std::size_t> cut_turn;
  std::pair<std::uint32_t, std::uint32_t> cut;
  std::optional<std::size_t> freeze_turn;
  std::uint32_t frozen = 0;
  Duration frozen_for{};
  std::map<std::size_t, std::uint32_t> stops;
};

}  // namespace cppwax::simulation
