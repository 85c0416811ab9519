#include "bindings/warning_line.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cppwax::bindings {

namespace {

std::atomic<std::uint64_t> dropped_lines{0};

// Whether a write of up to PIPE_BUF bytes does not wait, unless others write at the same moment.
bool takes_more() {
  pollfd out{STDERR_FILENO, POLLOUT, 0};
  return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0;
}

}  // namespace

void print_warning(const std::string& text) {
  const std::uint64_t dropped = dropped_lines.exchange(0);
  std::string lines;
  if (dropped > 0) {
    lines = "cppwax: standard error was blocked: " + std::to_string(dropped) +
            (dropped == 1 ? " line was" : " lines were") + " dropped\n";
  }
  lines += "cppwax: " + text + "\n";
  std::string_view rest = lines;
  while (!rest.empty() && takes_more()) {
    const auto written =
        write(STDERR_FILENO, rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
    if (written <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (!rest.empty()) dropped_lines += dropped + 1;
}

}  // namespace cppwax::bindings
