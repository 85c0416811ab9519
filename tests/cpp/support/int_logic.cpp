#include "support/int_logic.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/stable_hash.hpp"
#include "support/int_ends.hpp"

namespace cppwax::test {

namespace {

using Place = IntLogic::Place;
using operators::Emitter;
using operators::Job;
using operators::Work;

thread_local int scopes_entered = 0;

// Emits what `produce` puts out, call by call, as far as there is room; keeps the rest.
class ProducingJob final : public Job {
 public:
  // `produce` appends the results of one more call; false: there is none left.
  ProducingJob(std::size_t gathered, std::function<bool(Ints&)> produce)
      : gathered_(gathered), produce_(std::move(produce)) {}

  Work run(Emitter& out) override {
    require_scope();
    for (;;) {
      const std::size_t room = std::min(out.room(), gathered_);
      if (room == 0) return Work::kMore;
      while (!all_ && rest_.size() < room) all_ = !produce_(rest_);
      if (rest_.empty()) return Work::kDone;
      const auto count = static_cast<std::ptrdiff_t>(std::min(room, rest_.size()));
      out.emit(ints(Ints(rest_.begin(), rest_.begin() + count)));
      rest_.erase(rest_.begin(), rest_.begin() + count);
      if (all_ && rest_.empty()) return Work::kDone;
    }
  }

 private:
  std::size_t gathered_;
  std::function<bool(Ints&)> produce_;
  Ints rest_;
  bool all_ = false;
};

// One call for each of `inputs`.
std::unique_ptr<Job> job_over(const StepSpec& spec, Ints inputs,
                              std::function<void(std::int64_t, Ints&)> call) {
  return std::make_unique<ProducingJob>(
      spec.gathered,
      [inputs = std::move(inputs), call = std::move(call), at = std::size_t{0}](Ints& out) mutable {
        if (at == inputs.size()) return false;
        call(inputs[at++], out);
        return true;
      });
}

class IntFlatMap final : public operators::FlatMapBatchLogic {
 public:
  explicit IntFlatMap(Place place) : place_(place) {}
  bool sees_batches() const override { return place_.spec.sees_batches; }
  std::unique_ptr<Job> start(data::PayloadPtr batch) override {
    place_.enter("flat_map");
    place_.observer.mapped(place_.step, place_.seat, values_of(batch));
    return job_over(place_.spec, values_of(batch), place_.spec.flat_map);
  }

 private:
  Place place_;
};

class IntBranch final : public operators::BranchLogic {
 public:
  explicit IntBranch(Place place) : place_(place) {}
  operators::Branches split(data::PayloadPtr batch) override {
    place_.enter("branch");
    Ints trues;
    Ints falses;
    for (const std::int64_t item : values_of(batch)) {
      (place_.spec.predicate(item) ? trues : falses).push_back(item);
    }
    return {ints(std::move(trues)), ints(std::move(falses))};
  }

 private:
  Place place_;
};

class IntInspect final : public operators::InspectLogic {
 public:
  explicit IntInspect(Place place) : place_(place) {}
  void inspect(const data::Payload& batch, Epoch epoch) override {
    place_.enter("inspect");
    place_.observer.inspected(place_.step, place_.seat, epoch, values_of(batch));
  }

 private:
  Place place_;
};

class IntBody final : public operators::KeyedBody {
 public:
  explicit IntBody(Place place) : place_(place) {}
  ~IntBody() override {
    Ints left;
    for (const auto& [key, state] : states_) {
      left.insert(left.end(), state.held.begin(), state.held.end());
    }
    place_.observer.left_over(place_.step, place_.seat, left);
  }

  bool sees_batches() const override { return place_.spec.sees_batches; }
  std::unique_ptr<Job> on_batch(data::PayloadPtr batch) override {
    place_.enter("on_batch");
    return job_over(place_.spec, values_of(batch),
                    [this](std::int64_t item, Ints& out) { on_item(item, out); });
  }

  std::unique_ptr<Job> on_due(WallTime now) override {
    place_.enter("on_due");
    Ints keys;
    for (auto& [key, state] : states_) {
      if (!state.due || *state.due > now) continue;
      keys.push_back(key);
      state.due = spec().due_again ? spec().due_again(now) : std::nullopt;
    }
    return job_over(place_.spec, std::move(keys), [this](std::int64_t key, Ints& out) {
      changed_.insert(key);
      if (spec().on_due) spec().on_due(key, states_[key], out);
      if (spec().discards_when_due && !states_[key].due) states_.erase(key);
    });
  }

  std::unique_ptr<Job> on_eof() override {
    place_.enter("on_eof");
    Ints keys;
    for (const auto& [key, state] : states_) keys.push_back(key);
    return job_over(place_.spec, std::move(keys), [this](std::int64_t key, Ints& out) {
      changed_.insert(key);
      if (spec().on_eof) spec().on_eof(key, states_[key], out);
      if (spec().discards_at_eof) states_.erase(key);
    });
  }

  std::optional<WallTime> next_due() const override {
    require_scope();
    std::optional<WallTime> least;
    for (const auto& [key, state] : states_) {
      if (state.due && (!least || *state.due < *least)) least = state.due;
    }
    return least;
  }

  recovery::Entries take_changes(std::size_t at_most) override {
    ENGINE_ASSERT(place_.seat.recovery);
    if (!changed_.empty()) place_.enter("snapshot");
    recovery::Entries entries;
    while (!changed_.empty() && entries.size() < at_most) {
      const std::int64_t key = *changed_.begin();
      changed_.erase(changed_.begin());
      const auto state = states_.find(key);
      entries.push_back({std::to_string(key), std::nullopt});
      if (state != states_.end()) entries.back().state = text_of(state->second);
    }
    return entries;
  }

  void restore(recovery::Entries entries) override {
    place_.enter("restore");
    for (const recovery::Entry& entry : entries) {
      const bool is_new = states_.emplace(std::stoll(entry.key), state_of(*entry.state)).second;
      ENGINE_ASSERT(is_new, place_.spec.id, entry.key);
    }
  }

 private:
  const KeyedSpec& spec() const { return place_.spec.body; }

  static std::string text_of(const KeyState& state) {
    std::ostringstream text;
    text << state.sum << ' ' << (state.due ? state.due->time_since_epoch().count() : -1);
    for (const std::int64_t item : state.held) text << ' ' << item;
    return text.str();
  }
  static KeyState state_of(const std::string& stored) {
    std::istringstream text(stored);
    KeyState state;
    std::int64_t due = -1;
    text >> state.sum >> due;
    if (due >= 0) state.due = WallTime(WallTime::duration(due));
    for (std::int64_t item = 0; text >> item;) state.held.push_back(item);
    return state;
  }

  void on_item(std::int64_t item, Ints& out) {
    const std::int64_t key = place_.key(item);
    KeyState& state = states_[key];
    if (place_.seat.recovery) changed_.insert(key);
    state.sum += value_of(item);
    if (spec().on_item) {
      spec().on_item(key, state, item, out);
    } else {
      out.push_back(keyed(key, state.sum));
    }
    if (spec().due_after) state.due = place_.clock.wall() + *spec().due_after;
  }

  Place place_;
  std::map<std::int64_t, KeyState> states_;
  std::set<std::int64_t> changed_;
};

class IntRouter final : public channel::Router {
 public:
  IntRouter(Place place, std::function<WorkerIndex(std::int64_t key)> owner)
      : place_(place), owner_(std::move(owner)) {}
  void split(data::PayloadPtr batch, std::vector<data::PayloadPtr>& parts) override {
    place_.enter("route");
    std::vector<Ints> lists(parts.size());
    for (const std::int64_t item : values_of(batch)) {
      lists.at(owner_(place_.key(item)).value()).push_back(item);
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (!lists[i].empty()) parts[i] = ints(std::move(lists[i]));
    }
  }

 private:
  Place place_;
  std::function<WorkerIndex(std::int64_t)> owner_;
};

}  // namespace

void CheckedScope::enter() {
  ENGINE_ASSERT(scopes_entered == 0, scopes_entered);
  ++scopes_entered;
}

void CheckedScope::leave() {
  ENGINE_ASSERT(scopes_entered == 1, scopes_entered);
  --scopes_entered;
}

void CheckedScope::begin_close() {
  require_scope();
}

void require_scope() {
  ENGINE_ASSERT(scopes_entered == 1, scopes_entered);
}

void Place::enter(const std::string& call) const {
  require_scope();
  observer.called(step, seat, call);
  if (spec.before) spec.before(call, seat);
}

std::int64_t Place::key(std::int64_t item) const {
  return spec.key ? spec.key(item) : key_of(item);
}

Place IntLogic::place(StepIndex step, Seat seat, const std::string& call) const {
  Place place{flow_.specs.at(step.value()), step, seat, clock_, observer_, files_};
  place.enter(call);
  return place;
}

std::unique_ptr<operators::UserCodeScope> IntLogic::scope() const {
  return std::make_unique<CheckedScope>();
}

std::unique_ptr<operators::FlatMapBatchLogic> IntLogic::flat_map_batch(StepIndex step,
                                                                       Seat seat) const {
  return std::make_unique<IntFlatMap>(place(step, seat));
}

std::unique_ptr<operators::BranchLogic> IntLogic::branch(StepIndex step, Seat seat) const {
  return std::make_unique<IntBranch>(place(step, seat));
}

std::unique_ptr<operators::InspectLogic> IntLogic::inspect_debug(StepIndex step, Seat seat) const {
  return std::make_unique<IntInspect>(place(step, seat));
}

std::unique_ptr<operators::KeyedBody> IntLogic::keyed_body(StepIndex step, Seat seat) const {
  return std::make_unique<IntBody>(place(step, seat));
}

std::vector<std::string> IntLogic::list_parts(StepIndex step, Seat seat) const {
  return place(step, seat, "list_parts").spec.list_parts(seat);
}

void IntLogic::found_no_parts(StepIndex step, Seat seat) const {
  place(step, seat, "found_no_parts");
}

std::unique_ptr<operators::SourcePart> IntLogic::source_part(
    StepIndex step, Seat seat, const std::string& name,
    const std::optional<std::string>& stored) const {
  const Place at = place(step, seat, "build " + name);
  if (at.spec.starts_now && !stored) observer_.began(step, seat);
  return make_scripted_part(at, at.spec.script(seat, name), stored ? std::stoull(*stored) : 0);
}

std::unique_ptr<operators::SourcePart> IntLogic::dynamic_source(StepIndex step, Seat seat) const {
  const Place at = place(step, seat);
  return make_scripted_part(at, at.spec.script(seat, ""), 0);
}

std::unique_ptr<operators::SinkLogic> IntLogic::dynamic_sink(StepIndex step, Seat seat) const {
  return make_int_sink(place(step, seat));
}

std::unique_ptr<operators::PartitionedSinkLogic> IntLogic::partitioned_sink(
    StepIndex step, Seat seat, const progress::Assignment& parts) const {
  return make_int_sink(place(step, seat), parts);
}

std::unique_ptr<channel::Router> IntLogic::key_router(StepIndex step, Seat seat) const {
  return std::make_unique<IntRouter>(place(step, seat, "router"), [seat](std::int64_t key) {
    return owner_of(stable_hash(std::to_string(key)), seat.worker_count);
  });
}

std::unique_ptr<channel::Router> IntLogic::partition_router(
    StepIndex step, Seat seat, const progress::Assignment& parts) const {
  std::vector<WorkerIndex> owners;
  for (const auto& [name, owner] : parts) owners.push_back(owner);
  return std::make_unique<IntRouter>(place(step, seat, "router"), [owners](std::int64_t key) {
    return owners.at(static_cast<std::size_t>(key) % owners.size());
  });
}

}  // namespace cppwax::test
