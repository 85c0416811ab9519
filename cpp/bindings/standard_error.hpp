// Lines on standard error from threads that must not wait for whoever reads it.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/clock.hpp"

namespace cppwax::bindings {

// Writes as much as standard error takes; where it takes nothing (nobody empties the pipe, Ctrl-S
// stopped the terminal), waits for it once more, at most so long each time, then gives up. Gives
// what is left. Any thread.
std::string_view write_error_text(std::string_view text, Duration patience);

// Prints "cppwax: " and the text. Where standard error takes nothing for now the line is dropped,
// and the next one says so: the network's thread would wait there, send no signs of life, and count
// as lost. Any thread.
void print_warning(const std::string& text);

}  // namespace cppwax::bindings
