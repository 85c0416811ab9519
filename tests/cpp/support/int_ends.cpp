#include "support/int_ends.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"

namespace cppwax::test {

namespace {

using Place = IntLogic::Place;

class ScriptedPart final : public operators::SourcePart {
 public:
  ScriptedPart(Place place, Script script, std::size_t position)
      : place_(place), script_(script.begin(), script.end()), position_(position) {
    ENGINE_ASSERT(position <= script_.size(), position, script_.size());
    script_.erase(script_.begin(), script_.begin() + static_cast<std::ptrdiff_t>(position));
  }

  operators::Polled next_batch() override {
    place_.enter("next_batch");
    ENGINE_ASSERT(!closed_);
    ENGINE_ASSERT(place_.clock.wall() >= awake_);
    const Poll poll = script_.empty() ? ends() : script_.front();
    if (!script_.empty()) {
      script_.pop_front();
      ++position_;
    }
    awake_ = poll.sleep ? place_.clock.wall() + *poll.sleep : WallTime::min();
    if (poll.kind == Poll::Kind::kEof) return {operators::Polled::Kind::kEof, nullptr};
    if (poll.kind == Poll::Kind::kAbort) return {operators::Polled::Kind::kAbort, nullptr};
    place_.observer.polled(place_.step, place_.seat, poll.items);
    if (poll.items.empty()) return {operators::Polled::Kind::kItems, nullptr};
    return {operators::Polled::Kind::kItems, ints(poll.items)};
  }

  std::optional<WallTime> next_awake() override {
    place_.enter("next_awake");
    if (awake_ == WallTime::min()) return std::nullopt;
    return awake_;
  }

  std::string snapshot() override {
    place_.enter("snapshot");
    ENGINE_ASSERT(!closed_);
    return std::to_string(position_);
  }

  void close() override {
    ENGINE_ASSERT(!closed_);
    closed_ = true;
    place_.enter("close");
  }

 private:
  Place place_;
  std::deque<Poll> script_;
  std::size_t position_;
  WallTime awake_ = WallTime::min();
  bool closed_ = false;
};

template <class Logic>
class IntSink : public Logic {
 public:
  explicit IntSink(Place place) : place_(place) {}
  bool sees_batches() const override { return place_.spec.sees_batches; }
  void write(data::PayloadPtr batch) override {
    place_.enter("write");
    ENGINE_ASSERT(!closed_);
    place_.observer.written(place_.step, place_.seat, values_of(batch));
  }
  void committed(Epoch epoch) override {
    ENGINE_ASSERT(!closed_);
    committed_ = epoch;
    place_.observer.committed(place_.step, place_.seat, epoch);
  }
  void close() override {
    ENGINE_ASSERT(!closed_);
    closed_ = true;
    place_.enter("close");
  }

 protected:
  Place place_;
  Epoch committed_{};

 private:
  bool closed_ = false;
};

class IntPartitionedSink final : public IntSink<operators::PartitionedSinkLogic> {
 public:
  IntPartitionedSink(Place place, const progress::Assignment& parts) : IntSink(place) {
    for (const auto& [name, owner] : parts) {
      names_.push_back(name);
      if (owner == place.seat.worker) own_.push_back(name);
    }
  }

  void write(data::PayloadPtr batch) override {
    const Ints items = values_of(batch);
    IntSink::write(std::move(batch));
    if (!place_.files) return;
    for (const std::int64_t item : items) {
      const std::string& name =
          names_.at(static_cast<std::size_t>(place_.key(item)) % names_.size());
      build(name, std::nullopt).rows.push_back(item);
      changed_.insert(name);
    }
  }

  // What is written is of an epoch that was not called durable yet.
  void in_epoch(Epoch epoch) override { ENGINE_ASSERT(epoch > committed_, epoch, committed_); }

  recovery::Entries take_changes(std::size_t) override {
    if (!changed_.empty()) place_.enter("snapshot");
    recovery::Entries entries;
    for (const std::string& name : changed_) {
      MemoryFiles::File& file = *files_.at(name);
      file.synced = file.rows.size();
      entries.push_back({name, std::to_string(file.synced)});
    }
    changed_.clear();
    return entries;
  }
  void restore(recovery::Entries entries) override {
    place_.enter("restore");
    for (const recovery::Entry& entry : entries) build(entry.key, std::stoull(*entry.state));
  }
  void build_others() override {
    for (const std::string& name : own_) build(name, std::nullopt);
  }

 private:
  MemoryFiles::File& build(const std::string& name, std::optional<std::size_t> length) {
    const auto known = files_.find(name);
    if (known != files_.end()) return *known->second;
    ENGINE_ASSERT(std::count(own_.begin(), own_.end(), name) == 1, name);
    return *(files_[name] = &place_.files->open(place_.spec.id, name, length));
  }

  std::vector<std::string> names_;  // of all partitions
  std::vector<std::string> own_;
  std::map<std::string, MemoryFiles::File*> files_;  // that are open
  std::set<std::string> changed_;
};

}  // namespace

std::unique_ptr<operators::SourcePart> make_scripted_part(Place place, Script script,
                                                          std::size_t position) {
  return std::make_unique<ScriptedPart>(place, std::move(script), position);
}

std::unique_ptr<operators::SinkLogic> make_int_sink(Place place) {
  return std::make_unique<IntSink<operators::SinkLogic>>(place);
}

std::unique_ptr<operators::PartitionedSinkLogic> make_int_sink(Place place,
                                                               const progress::Assignment& parts) {
  return std::make_unique<IntPartitionedSink>(place, parts);
}

}  // namespace cppwax::test
