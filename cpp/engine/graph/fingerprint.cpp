#include "engine/graph/fingerprint.hpp"

#include <sstream>

#include "engine/base/stable_hash.hpp"

namespace cppwax::graph {

std::string fingerprint(const Plan& plan) {
  std::ostringstream text;
  // No id has a NUL, so that nothing else makes the same text.
  for (const Step& step : plan.steps()) {
    text << step.id << '\0' << name_of(step.kind);
    for (const ChainLink& link : step.links) text << '\0' << link.id << '\0' << name_of(link.kind);
    text << '\n';
  }
  for (const Channel& channel : plan.channels()) {
    text << channel.from << ' ' << channel.from_port << ' ' << channel.to << ' ' << channel.to_port
         << ' ' << static_cast<int>(channel.route) << '\n';
  }
  std::ostringstream digits;
  digits << std::hex << stable_hash(text.str());
  return digits.str();
}

}  // namespace cppwax::graph
