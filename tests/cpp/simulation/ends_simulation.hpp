// One seeded run of a cluster of several processes that comes to its end somehow: by the end of the
// data, a stop, failures of user code, killed and frozen processes, cut connections. Checks that
// all end in time, and that each says what is right (docs/progress_and_snapshots.md P17-P20).
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/graph/fusion.hpp"
#include "simulation/mishaps.hpp"
#include "simulation/model.hpp"
#include "simulation/random_flow.hpp"
#include "simulation/sim_network.hpp"
#include "simulation/sim_observer.hpp"
#include "simulation/sim_process.hpp"

namespace cppwax::simulation {

// One run; `run` throws what is wrong.
class EndsSimulation {
 public:
  explicit EndsSimulation(std::uint64_t seed)
      : random_(seed),
        process_count_(static_cast<std::uint32_t>(random_.between(2, 4))),
        workers_each_(static_cast<std::uint32_t>(random_.between(1, 3))),
        generated_(random_, process_count_ * workers_each_),
        mishaps_(random_, process_count_, workers_each_),
        percent_time_passes_(random_.one_of<unsigned>({0, 1, 10, 50})) {}

  std::string description() const {
    std::ostringstream text;
    text << process_count_ << " processes of " << workers_each_ << " workers";
    for (const auto& [worker, call] : mishaps_.failures) {
      text << ", worker " << worker << " fails at call " << call;
    }
    for (const std::uint32_t victim : mishaps_.victims) {
      text << ", " << victim << " is killed ("
           << std::vector{"at a turn", "in a round", "after Done"}[static_cast<int>(mishaps_.when)]
           << ")";
    }
    if (cut_) text << ", " << mishaps_.cut.first << " is cut from " << mishaps_.cut.second;
    for (const auto& [turn, who] : mishaps_.stops) text << ", " << who << " stops at " << turn;
    for (std::size_t p = 0; p < ends_.size(); ++p) {
      text << "\n  " << p << " ended " << static_cast<int>(ends_[p]);
    }
    return text.str();
  }

  // What a run has come to, to see that seeds reach what they are for.
  struct Reached {
    std::map<ProcessEnd, std::size_t> ends;
    std::size_t failed = 0;  // processes whose user code failed
    bool cut = false;
    bool killed_in_round = false;
    bool killed_after_done = false;
    bool frozen_in_round = false;
    bool done_though_killed = false;
  };

  Reached run() {
    flow_.emplace(generated_.flow().build());
    break_user_code();
    plan_.emplace(random_.chance(50) ? graph::fuse(flow_->plan) : flow_->plan);
    observer_.emplace(*flow_, false, false);
    logic_.emplace(*flow_, clock_, *observer_);
    const SimNetwork::Shape shape{process_count_, workers_each_,
                                  static_cast<std::uint32_t>(plan_->channels().size()),
                                  static_cast<std::uint32_t>(plan_->steps().size())};
    network_.emplace(shape, random_, clock_);
    const SimSurroundings all{*plan_,    *logic_,       clock_,          random_,
                              *network_, workers_each_, some_interval(), some_window()};
    for (std::uint32_t p = 0; p < process_count_; ++p) {
      processes_.push_back(std::make_unique<SimProcess>(all, ProcessIndex(p)));
    }
    run_to_end();
    for (const auto& each : processes_) ends_.push_back(each->end());
    check_failures();
    check_losses();
    check_agreement();
    check_done();
    for (const ProcessEnd end : ends_) ++reached_.ends[end];
    processes_.clear();
    return reached_;
  }

 private:
  using Failure = transport::Failure;

  Duration some_interval() {
    using namespace std::chrono_literals;
    return random_.one_of<Duration>({0ms, 1ms, 10ms, 100s});
  }
  channel::Amount some_window() {
    return {random_.one_of<std::int64_t>({1, 5, 64 * 1024}),
            random_.one_of<std::int64_t>({24, 1 << 20})};
  }
  SimProcess& at(std::uint32_t process) { return *processes_[process]; }

  void break_user_code() {
    for (test::StepSpec& spec : flow_->specs) {
      spec.before = [this](const std::string& call, test::Seat seat) {
        const auto planned = mishaps_.failures.find(seat.worker.value());
        if (planned == mishaps_.failures.end()) return;
        if (calls_[seat.worker.value()]++ == planned->second) throw UserCodeError(call, nullptr);
      };
      if (!mishaps_.aborts_at_poll || !spec.script) continue;
      spec.script = [script = spec.script, at = *mishaps_.aborts_at_poll](test::Seat seat,
                                                                          const std::string& part) {
        test::Script polls = script(seat, part);
        polls.insert(polls.begin() + static_cast<std::ptrdiff_t>(std::min(at, polls.size())),
                     test::aborts());
        return polls;
      };
    }
  }

  // --- the run ---

  void run_to_end() {
    constexpr std::size_t kTooLong = 30'000'000;
    for (std::size_t turn = 0; !all_gone(); ++turn) {
      ENGINE_ASSERT(turn < kTooLong, turn);
      let_happen(turn);
      if (random_.chance(percent_time_passes_)) clock_.advance(Duration(random_.below(200)));
      at(static_cast<std::uint32_t>(random_.below(process_count_))).turn();
      check_time();
      if (turn % process_count_ == 0) rest_if_idle();
    }
  }

  bool all_gone() const {
    return std::all_of(processes_.begin(), processes_.end(),
                       [](const auto& each) { return each->gone(); });
  }

  void let_happen(std::size_t turn) {
    const auto [first, last] = mishaps_.stops.equal_range(turn);
    for (auto at_turn = first; at_turn != last; ++at_turn) at(at_turn->second).stop();
    if (turn == mishaps_.freeze_turn) {
      at(mishaps_.frozen).freeze(mishaps_.frozen_for);
      thaws_ = clock_.steady() + mishaps_.frozen_for;
    }
    if (turn == mishaps_.cut_turn) {
      const auto [one, other] = mishaps_.cut;
      cut_ = !at(one).gone() && !at(other).gone();
      reached_.cut = cut_;
      network_->cut(ProcessIndex(one), ProcessIndex(other));
    }
    for (const std::uint32_t victim : mishaps_.victims) {
      if (!at(victim).gone() && is_time_to_kill(turn, at(victim))) at(victim).kill();
    }
  }

  bool is_time_to_kill(std::size_t turn, SimProcess& victim) {
    switch (mishaps_.when) {
      case Mishaps::When::kAtTurn:
        return turn == mishaps_.kill_turn;
      case Mishaps::When::kInRound:
        if (!victim.in_round() || !random_.chance(3)) return false;
        return reached_.killed_in_round = true;
      case Mishaps::When::kAfterDone:
        if (!victim.seen().left || !random_.chance(3)) return false;
        return reached_.killed_after_done = true;
    }
    return false;
  }

  // Once something ends the run, all end soon.
  void check_time() {
    using namespace std::chrono_literals;
    constexpr Duration kSoon = 6s;
    if (!ending_since_) {
      for (const auto& each : processes_) {
        const bool ends = each->in_round() || each->gone() || each->stop_known();
        if (ends) ending_since_ = clock_.steady();
      }
      return;
    }
    SimProcess& frozen = at(mishaps_.frozen);
    if (frozen.was_frozen() && frozen.in_round()) reached_.frozen_in_round = true;
    // A frozen one that has told some of its failure keeps those waiting whom it has not told.
    const bool all_wait = frozen.was_frozen() && frozen.seen().told.has_value();
    for (std::size_t p = 0; p < processes_.size(); ++p) {
      SimProcess& each = *processes_[p];
      if (each.gone()) continue;
      const bool knows = each.in_round() || each.stop_known();
      if (knows) knows_since_.emplace(p, clock_.steady());
      // And one that knows of a stop those who do not.
      const bool waits_for_news = frozen.was_frozen() && frozen.stop_known() && !knows;
      SteadyTime since = knows ? knows_since_.at(p) : *ending_since_;
      if (thaws_ && (all_wait || waits_for_news || each.was_frozen())) {
        since = std::max(since, *thaws_);
      }
      ENGINE_ASSERT(clock_.steady() - since < kSoon, (clock_.steady() - since).count());
    }
  }

  // Nobody has anything to do: time passes until somebody has.
  void rest_if_idle() {
    std::optional<SteadyTime> due;
    for (const auto& each : processes_) {
      if (each->has_work()) return;
      const auto own = each->next_due();
      if (own && (!due || *own < *due)) due = own;
    }
    if (all_gone()) return;
    if (!due) throw InvariantError("the cluster waits for ever");
    clock_.advance(*due - clock_.steady());
  }

  // --- the checks ---

  static auto rank(const Failure& failure) {
    return std::tuple(static_cast<int>(failure.kind), failure.epoch.value(),
                      failure.process.value(), failure.worker ? failure.worker->value() : 0);
  }

  // Each shows the lowest of what it knew, and counts the others.
  void check_failures() {
    for (const auto& each : processes_) {
      const bool fails = each->end() == ProcessEnd::kFailed || each->end() == ProcessEnd::kLost ||
                         each->end() == ProcessEnd::kAborted;
      if (!fails) continue;
      const auto& known = each->seen().known;
      ENGINE_ASSERT(!known.empty());
      const auto lowest = std::min_element(
          known.begin(), known.end(),
          [](const auto& a, const auto& b) { return rank(a.second) < rank(b.second); });
      const Failure& shown = each->outcome().first;
      ENGINE_ASSERT(shown == lowest->second, shown.process, shown.message, lowest->first);
      const auto others = std::count_if(known.begin(), known.end(), [&](const auto& entry) {
        return entry.second.kind != transport::FailureKind::kAborted &&
               entry.first != lowest->first;
      });
      ENGINE_ASSERT(each->outcome().others == static_cast<std::size_t>(others), others);
    }
  }

  // Nobody is called lost who was there and said why it goes.
  void check_losses() {
    for (std::uint32_t p = 0; p < process_count_; ++p) {
      const auto& told = at(p).seen().told;
      if (!told || told->kind != transport::FailureKind::kLost) continue;
      const auto lost = static_cast<std::uint32_t>(std::stoul(told->message));
      const bool cut = cut_ && ((p == mishaps_.cut.first && lost == mishaps_.cut.second) ||
                                (p == mishaps_.cut.second && lost == mishaps_.cut.first));
      const bool went =
          at(lost).end() == ProcessEnd::kKilled || at(lost).end() == ProcessEnd::kAbandoned;
      ENGINE_ASSERT(cut || went, p, lost);
    }
  }

  bool linked(std::uint32_t one, std::uint32_t other) const {
    if (!cut_) return true;
    return std::set{one, other} != std::set{mishaps_.cut.first, mishaps_.cut.second};
  }

  // What one tells comes to all that are there; so all show the same.
  void check_agreement() {
    for (std::uint32_t teller = 0; teller < process_count_; ++teller) {
      const auto& seen = at(teller).seen();
      if (!seen.told || !is_reliable(teller)) continue;
      for (std::uint32_t hearer = 0; hearer < process_count_; ++hearer) {
        if (hearer == teller || !is_reliable(hearer) || !linked(teller, hearer)) continue;
        const ProcessEnd end = at(hearer).end();
        if (end == ProcessEnd::kAbandoned) continue;  // it has gone before
        if (end == ProcessEnd::kDone) {
          // A loss that comes after everything was done is seen by some only.
          ENGINE_ASSERT(seen.told_after_leaving, teller, hearer);
          continue;
        }
        ENGINE_ASSERT(at(hearer).seen().known.contains(teller), teller, hearer);
        // Where somebody does not keep up, what he tells may come to one of two others only.
        const bool is_clean = !cut_ && all_are_reliable();
        ENGINE_ASSERT(!is_clean || at(hearer).outcome().first == at(teller).outcome().first, teller,
                      hearer);
      }
    }
  }
  // It keeps up with the others.
  bool is_reliable(std::uint32_t process) {
    return at(process).end() != ProcessEnd::kKilled && !at(process).was_frozen();
  }
  bool any_killed() const {
    return std::any_of(processes_.begin(), processes_.end(),
                       [](const auto& each) { return each->end() == ProcessEnd::kKilled; });
  }
  bool all_are_reliable() {
    for (std::uint32_t process = 0; process < process_count_; ++process) {
      if (!is_reliable(process)) return false;
    }
    return true;
  }

  // Who ends well has lost nothing; and without a reason all end well.
  void check_done() {
    const auto ends_with = [&](ProcessEnd end) {
      return std::count(ends_.begin(), ends_.end(), end);
    };
    bool anything = cut_ || any_killed() || ends_with(ProcessEnd::kAborted) > 0;
    for (const auto& each : processes_) {
      anything = anything || each->stop_known() || each->seen().user_code_failed;
      if (!each->seen().user_code_failed) continue;
      ++reached_.failed;
      ENGINE_ASSERT(each->end() != ProcessEnd::kDone && each->end() != ProcessEnd::kAbandoned);
    }
    ENGINE_ASSERT(anything || ends_with(ProcessEnd::kDone) == process_count_);
    if (ends_with(ProcessEnd::kDone) == 0) return;
    reached_.done_though_killed = any_killed();
    for (const auto& each : processes_) {
      ENGINE_ASSERT(each->workers_finished());
      ENGINE_ASSERT(each->first_worker().end_kind() == at(0).first_worker().end_kind());
    }
    note_eof();
    processes_.clear();  // keyed steps tell what they held
    for (auto& [sink, expected] : Model(*flow_).outcome(observer_->facts)) {
      Ints& written = observer_->written_items[sink];
      std::sort(written.begin(), written.end());
      ENGINE_ASSERT(written == expected, sink, written.size(), expected.size());
    }
  }

  void note_eof() {
    for (const test::StepSpec& spec : flow_->specs) {
      if (observer_->eof_calls(spec.id) > 0) observer_->facts.saw_eof.insert(spec.id);
    }
  }

  Random random_;
  const std::uint32_t process_count_;
  const std::uint32_t workers_each_;
  RandomFlow generated_;
  Mishaps mishaps_;
  const unsigned percent_time_passes_;
  test::FakeClock clock_;
  std::optional<test::BuiltFlow> flow_;
  std::optional<graph::Plan> plan_;
  std::optional<SimObserver> observer_;
  std::optional<test::IntLogic> logic_;
  std::optional<SimNetwork> network_;
  std::map<std::uint32_t, std::size_t> calls_;
  std::vector<std::unique_ptr<SimProcess>> processes_;
  std::vector<ProcessEnd> ends_;
  bool cut_ = false;
  std::optional<SteadyTime> ending_since_;
  std::map<std::size_t, SteadyTime> knows_since_;  // by process
  std::optional<SteadyTime> thaws_;
  Reached reached_;
};

}  // namespace cppwax::simulation
