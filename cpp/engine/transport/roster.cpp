#include "engine/transport/roster.hpp"

#include <utility>

namespace cppwax::transport {

Roster::Roster(ProcessIndex own, HelloFacts facts, std::vector<std::string> addresses, RunId run)
    : own_(own), facts_(std::move(facts)), addresses_(std::move(addresses)), run_(run) {}

Hello Roster::hello(Role role, ProcessIndex dialler, ProcessIndex listener, Verdict verdict) const {
  return {kOurWireVersion, facts_, role, dialler, listener, run_, verdict};
}

Roster::Answer Roster::refuse(const Hello& theirs, Verdict verdict, Reaction reaction,
                              std::string text) const {
  return {reaction, hello(Role::kListener, theirs.dialler, own_, verdict), std::move(text)};
}

Roster::Answer Roster::answer(const Hello& theirs, const std::string& where) const {
  const Hello mine = hello(Role::kListener, theirs.dialler, own_, Verdict::kJoin);
  const std::optional<Mismatch> mismatch = compare(mine, theirs, where);
  const bool of_another_run = mismatch && mismatch->kind == Mismatch::Kind::kRun;
  if (mismatch && mismatch->kind == Mismatch::Kind::kReflected) {
    return {Reaction::kDrop, {}, mismatch->message};
  }
  if (mismatch && !of_another_run) {
    // Once all are here, nobody's mistake ends the run any more.
    return refuse(theirs, Verdict::kMismatch, complete() ? Reaction::kRefuse : Reaction::kFail,
                  mismatch->message);
  }
  if (complete()) {
    return refuse(theirs, Verdict::kComplete, Reaction::kRefuse,
                  "refused another process " + std::to_string(theirs.dialler.value()) + " (" +
                      where + "): all processes have joined");
  }
  if (!knows_run()) return refuse(theirs, Verdict::kNotYet, Reaction::kRefuse, "");
  if (of_another_run) {
    return refuse(theirs, Verdict::kMismatch, Reaction::kRefuse, mismatch->message);
  }
  if (joined(theirs.dialler)) {
    return refuse(theirs, Verdict::kTaken, Reaction::kRefuse,
                  "refused a second process " + std::to_string(theirs.dialler.value()) + " (" +
                      where + "): give each process its own index (-i)");
  }
  return {Reaction::kJoin, mine, ""};
}

Hello Roster::greeting(ProcessIndex to) const {
  return hello(Role::kDialler, own_, to, Verdict::kJoin);
}

Roster::Reply Roster::read_answer(ProcessIndex to, const Hello& theirs) {
  using Meaning = Reply::Meaning;
  const std::optional<Mismatch> mismatch = compare(greeting(to), theirs, address(to));
  const bool of_another_run = mismatch && mismatch->kind == Mismatch::Kind::kRun;
  if (mismatch && mismatch->kind == Mismatch::Kind::kReflected) {
    return {Meaning::kAgain, mismatch->message};
  }
  if (mismatch && !of_another_run) return {Meaning::kFail, mismatch->message};
  const std::string own = "process " + std::to_string(own_.value());
  switch (theirs.verdict) {
    case Verdict::kNotYet:
      return {Meaning::kAgain, "it waits for process 0 itself"};
    case Verdict::kTaken:
      return {Meaning::kFail, name(to) + " has a " + own +
                                  " already: give each process its own index (-i), and start one "
                                  "for each entry of the address list"};
    case Verdict::kComplete:
      return {Meaning::kFail, name(to) + " says that all processes have joined, also a " + own +
                                  ": one process cannot be restarted alone; end all and start "
                                  "them together"};
    case Verdict::kJoin:
    case Verdict::kMismatch:
      break;
  }
  if (mismatch) return {Meaning::kFail, mismatch->message};
  if (theirs.verdict == Verdict::kMismatch || theirs.run == RunId{}) {
    return {Meaning::kFail, name(to) +
                                " refuses this process without a reason that it knows of: "
                                "install the same version everywhere"};
  }
  run_ = theirs.run;
  return {Meaning::kJoined, ""};
}

bool Roster::join(ProcessIndex process) {
  return joined_.insert(process).second;
}

std::vector<ProcessIndex> Roster::missing() const {
  std::vector<ProcessIndex> found;
  for (std::uint32_t i = 0; i < addresses_.size(); ++i) {
    if (ProcessIndex(i) != own_ && !joined(ProcessIndex(i))) found.push_back(ProcessIndex(i));
  }
  return found;
}

std::string Roster::name(ProcessIndex process) const {
  return "process " + std::to_string(process.value()) + " (" + address(process) + ")";
}

}  // namespace cppwax::transport
