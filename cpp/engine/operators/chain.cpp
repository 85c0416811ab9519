#include "engine/operators/chain.hpp"

#include <cstdint>
#include <deque>
#include <optional>

#include "engine/base/error.hpp"
#include "engine/operators/outputs.hpp"

namespace cppwax::operators {

// A batch on its way through the links. The last link with work goes first, so that between two
// links there is never more than one slice of the first.
class ChainStep::ChainJob final : public Job {
 public:
  ChainJob(std::vector<Link>& links, const Clock& clock, Epoch epoch, data::PayloadPtr batch)
      : links_(links), clock_(clock), epoch_(epoch), places_(links.size()) {
    wait_for(0, std::move(batch));
  }

  Work run(Emitter& out) override {
    handed_on_ = 0;
    std::size_t before = 0;
    while (const auto place = last_with_work()) {
      const bool goes_back = *place < before;
      if (out.room() == 0 || resting_ == place || (goes_back && handed_on_ >= kSliceItems)) {
        resting_.reset();
        return Work::kMore;
      }
      work_at(*place, out);
      before = *place;
    }
    return Work::kDone;
  }

 private:
  // What waits for a link, and what it has begun.
  struct Place {
    std::deque<data::PayloadPtr> waiting;
    std::unique_ptr<Job> job;
  };

  // Takes what a link emits for the next one. It has as much room as the steps below: for all that
  // the chain knows, each item may come out as one.
  class LinkEmitter final : public Emitter {
   public:
    LinkEmitter(ChainJob& chain, std::size_t link, Emitter& out)
        : chain_(chain), link_(link), out_(out) {}

    using Emitter::emit;
    void emit(std::size_t, data::PayloadPtr batch) override {
      if (!batch || batch->size() == 0) return;
      emitted_ += batch->size();
      chain_.hand_on(link_, std::move(batch));
    }
    std::size_t room() const override {
      const std::size_t room = out_.room();
      return room > emitted_ ? room - emitted_ : 0;
    }

   private:
    ChainJob& chain_;
    std::size_t link_;
    Emitter& out_;
    std::size_t emitted_ = 0;
  };

  std::optional<std::size_t> last_with_work() const {
    for (std::size_t i = places_.size(); i-- > 0;) {
      if (places_[i].job || !places_[i].waiting.empty()) return i;
    }
    return std::nullopt;
  }

  void work_at(std::size_t at, Emitter& out) {
    Place& place = places_[at];
    Link& link = links_[at];
    const bool calls = link.flat_map || link.inspect;
    const Timed time(link.meter, clock_, calls ? Timed::As::kBoth : Timed::As::kWork);
    try {
      if (!link.flat_map) {
        data::PayloadPtr batch = take_waiting(at);
        if (link.inspect) link.inspect->inspect(*batch, epoch_);
        return pass_on(at, std::move(batch), out);
      }
      if (!place.job) place.job = link.flat_map->start(take_waiting(at));
      LinkEmitter to_next(*this, at, out);
      Emitter& target = at + 1 == places_.size() ? out : to_next;
      if (place.job->run(target) == Work::kDone) {
        place.job.reset();
      } else if (target.room() > 0) {
        resting_ = at;
      }
    } catch (Error& error) {
      if (error.context.step.empty()) error.context.step = link.id;
      throw;
    }
  }

  // The step counts what the first link takes and what the last one gives; these are between.
  void hand_on(std::size_t from, data::PayloadPtr batch) {
    handed_on_ += static_cast<std::int64_t>(batch->size());
    if (links_[from].meter) links_[from].meter->emitted(batch->size());
    if (links_[from + 1].meter) links_[from + 1].meter->arrived(batch->size());
    wait_for(from + 1, std::move(batch));
  }

  void wait_for(std::size_t link, data::PayloadPtr batch) {
    auto& waiting = places_[link].waiting;
    const auto& logic = links_[link].flat_map;
    while (logic && logic->sees_batches() && batch->part_count() > 1) {
      waiting.push_back(batch->take_part());
    }
    waiting.push_back(std::move(batch));
  }

  data::PayloadPtr take_waiting(std::size_t at) {
    Place& place = places_[at];
    data::PayloadPtr batch = std::move(place.waiting.front());
    place.waiting.pop_front();
    if (at > 0 && links_[at].meter) links_[at].meter->began(batch->size());
    return batch;
  }

  void pass_on(std::size_t link, data::PayloadPtr batch, Emitter& out) {
    if (link + 1 == places_.size()) return out.emit(std::move(batch));
    hand_on(link, std::move(batch));
  }

  std::vector<Link>& links_;
  const Clock& clock_;
  Epoch epoch_;
  std::vector<Place> places_;
  std::optional<std::size_t> resting_;  // the link that lets what it emitted go first
  // Between links, in this slice: what is dropped on the way takes time, though never any room.
  std::int64_t handed_on_ = 0;
};

std::unique_ptr<Job> ChainStep::start(Epoch epoch, data::PayloadPtr batch, Emitter& out) {
  auto job = std::make_unique<ChainJob>(links_, clock_, epoch, std::move(batch));
  if (job->run(out) == Work::kDone) return nullptr;
  return job;
}

}  // namespace cppwax::operators
