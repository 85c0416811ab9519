// What a fuzz target gives to the two programs that can drive it: libFuzzer, and `replay_main.cpp`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cppwax::fuzz {

using Input = std::vector<std::uint8_t>;

// Well-formed inputs to begin with.
std::vector<Input> seeds();

// Ends the program if `holds` is false, as a sanitizer would.
void require(bool holds);

}  // namespace cppwax::fuzz

// Runs one input. Returns 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
