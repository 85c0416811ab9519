#include "engine/transport/failure_round.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "engine/base/error.hpp"

namespace cppwax::transport {

FailureRound::FailureRound(ProcessIndex own, std::uint32_t process_count, Duration wait)
    : own_(own), wait_(wait) {
  for (std::uint32_t i = 0; i < process_count; ++i) {
    if (ProcessIndex(i) != own) awaited_.insert(ProcessIndex(i));
  }
}

bool FailureRound::report(Failure failure, SteadyTime now) {
  if (begun()) return false;
  failure.process = own_;
  failures_.push_back(std::move(failure));
  begin(now);
  return true;
}

bool FailureRound::on_failure(Failure failure, SteadyTime now) {
  const bool known = std::any_of(failures_.begin(), failures_.end(), [&](const Failure& other) {
    return other.process == failure.process;
  });
  if (!known) failures_.push_back(std::move(failure));
  if (begun()) return false;
  begin(now);
  return true;
}

void FailureRound::begin(SteadyTime now) {
  deadline_ = now + wait_;
}

FailureOutcome FailureRound::outcome() const {
  ENGINE_ASSERT(!failures_.empty());
  const auto rank = [](const Failure& failure) {
    return std::make_tuple(failure.kind, failure.epoch, failure.process,
                           failure.worker.value_or(WorkerIndex(0)));
  };
  const auto first =
      std::min_element(failures_.begin(), failures_.end(),
                       [&](const Failure& a, const Failure& b) { return rank(a) < rank(b); });
  // What aborts are beside is no further failure.
  const auto others = std::count_if(failures_.begin(), failures_.end(), [](const Failure& failure) {
    return failure.kind != FailureKind::kAborted;
  });
  const bool counted = first->kind != FailureKind::kAborted;
  return {*first, static_cast<std::size_t>(others) - (counted ? 1 : 0)};
}

}  // namespace cppwax::transport
