// Tries seeds. CPPWAX_SIM_SEEDS sets how many (from CPPWAX_SIM_FIRST on), CPPWAX_SIM_SEED replays
// one, CPPWAX_SIM_SHOWN ends after so many failures.
#pragma once

#include <gmock/gmock.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/base/error.hpp"

namespace cppwax::simulation {

inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::stoull(text) : otherwise;
}

// Nothing, or what is wrong.
template <class Kind>
std::string failure_of(std::uint64_t seed) {
  Kind simulation(seed);
  try {
    simulation.run();
    return "";
  } catch (const Error& error) {
    return error.what() + ("\n" + simulation.description());
  }
}

template <class Kind>
void try_seeds() {
  const auto shown = static_cast<int>(number_from("CPPWAX_SIM_SHOWN", 5));
  const std::uint64_t one = number_from("CPPWAX_SIM_SEED", 0);
  const std::uint64_t first = one ? one : number_from("CPPWAX_SIM_FIRST", 1);
  const std::uint64_t count = one ? 1 : number_from("CPPWAX_SIM_SEEDS", 300);
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  int failed = 0;
  for (std::uint64_t seed = first; seed < first + count && failed < shown; ++seed) {
    const std::string failure = failure_of<Kind>(seed);
    if (failure.empty()) continue;
    ++failed;
    ADD_FAILURE() << failure << "\nreplay with CPPWAX_SIM_SEED=" << seed
                  << " simulation_tests --gtest_filter=*." << test->name();
  }
}

}  // namespace cppwax::simulation
