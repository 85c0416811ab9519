#include "bindings/standard_error.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>

namespace cppwax::bindings {

namespace {

std::atomic<std::uint64_t> dropped_lines{0};

// Whether a write of up to PIPE_BUF bytes does not wait, unless others write at the same moment.
bool takes_more(Duration patience) {
  const auto limit = std::chrono::ceil<std::chrono::milliseconds>(patience);
  pollfd out{STDERR_FILENO, POLLOUT, 0};
  return poll(&out, 1, static_cast<int>(limit.count())) == 1 && (out.revents & POLLOUT) != 0;
}

}  // namespace

std::string_view write_error_text(std::string_view text, Duration patience) {
  while (!text.empty() && takes_more(patience)) {
    const auto written =
        write(STDERR_FILENO, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (written <= 0) break;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return text;
}

void print_warning(const std::string& text) {
  const std::uint64_t dropped = dropped_lines.exchange(0);
  std::string lines;
  if (dropped > 0) {
    lines = "cppwax: standard error was blocked: " + std::to_string(dropped) +
            (dropped == 1 ? " line was" : " lines were") + " dropped\n";
  }
  lines += "cppwax: " + text + "\n";
  if (!write_error_text(lines, Duration::zero()).empty()) dropped_lines += dropped + 1;
}

}  // namespace cppwax::bindings
