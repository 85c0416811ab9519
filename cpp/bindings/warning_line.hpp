// Lines on standard error from threads that must not wait.
#pragma once

#include <string>

namespace cppwax::bindings {

// Prints "cppwax: " and the text. Where standard error takes nothing for now (nobody empties the
// pipe, Ctrl-S stopped the terminal) the line is dropped, and the next one says so: the network's
// thread would wait there, send no signs of life, and count as lost. Any thread.
void print_warning(const std::string& text);

}  // namespace cppwax::bindings
