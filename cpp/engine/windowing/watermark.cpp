#include "engine/windowing/watermark.hpp"

namespace cppwax::windowing {

Micros EventWatermark::advance(Micros timestamp, Micros wait) {
  const Micros candidate = shifted(timestamp, -wait);
  const Micros present = get();
  if (candidate <= present) return present;
  state_ = {now_, candidate};
  return candidate;
}

Micros EventWatermark::get() const {
  return has_begun() ? shifted(state_.base, now_ - state_.came) : kUtcMin;
}

std::optional<Micros> EventWatermark::due(Micros when) const {
  if (!has_begun()) return std::nullopt;
  return shifted(state_.came, when - state_.base);
}

}  // namespace cppwax::windowing
