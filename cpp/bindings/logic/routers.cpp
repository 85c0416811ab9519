#include "bindings/logic/routers.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bindings/logic/keyed_item.hpp"
#include "bindings/logic/part_choice.hpp"
#include "bindings/py_payload.hpp"
#include "engine/base/stable_hash.hpp"

namespace cppwax::bindings {

namespace {

// Deals out the items of a batch by a rule for each: `owner_of_item` of `Rule`, which derives from
// this, gives the number of the worker.
template <class Rule>
class ItemRouter : public channel::Router {
 public:
  explicit ItemRouter(std::uint32_t worker_count) : worker_count_(worker_count) {}

  void split(data::PayloadPtr batch, std::vector<data::PayloadPtr>& parts) override {
    // Worked out for all items first: from the first move on nothing may fail.
    owners_.clear();
    counts_.assign(worker_count_, 0);
    starts_.clear();
    as_py(*batch).each_item([&](PyObject* item, bool starts) {
      const std::uint32_t owner = static_cast<Rule*>(this)->owner_of_item(item);
      if (starts) starts_.push_back(owners_.size());
      owners_.push_back(owner);
      ++counts_[owner];
    });
    std::vector<PyPayload*> outs(worker_count_, nullptr);
    for (std::uint32_t worker = 0; worker < worker_count_; ++worker) {
      if (counts_[worker] == 0) continue;
      auto part = std::make_unique<PyPayload>();
      part->reserve(counts_[worker]);
      outs[worker] = part.get();
      parts[worker] = std::move(part);
    }
    const std::vector<PyObject*> items = as_py(*batch).release();
    auto start = starts_.begin();
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (start != starts_.end() && *start == i) {
        ++start;
        for (PyPayload* out : outs) {
          if (out != nullptr) out->start_part();
        }
      }
      outs[owners_[i]]->push(items[i]);
    }
  }

 protected:
  std::uint32_t worker_count() const { return worker_count_; }

 private:
  std::uint32_t worker_count_;
  std::vector<std::uint32_t> owners_;  // scratch of `split`, by item
  std::vector<std::size_t> starts_;    // of parts, but the first
  std::vector<std::size_t> counts_;    // by worker
};

class HashRouter final : public ItemRouter<HashRouter> {
 public:
  HashRouter(const StepId& step, std::uint32_t worker_count)
      : ItemRouter(worker_count), step_(step) {}

 private:
  friend ItemRouter;

  std::uint32_t owner_of_item(PyObject* item) {
    PyObject* key = keyed_item(step_, item).key;
    return owner_of(stable_hash(key_bytes(key, storage_)), worker_count()).value();
  }

  const StepId& step_;
  std::string storage_;
};

// Sends (place of the partition, value) on instead of (key, value): whose partition is chosen twice
// may be written by two workers, if `part_fn` does not always say the same.
class PartitionRouter final : public ItemRouter<PartitionRouter> {
 public:
  PartitionRouter(const PyStep& step, const PyTypes& types, operators::Seat seat,
                  const progress::Assignment& parts)
      : ItemRouter(seat.worker_count), choice_(step, types, parts.size()) {
    for (const auto& [name, worker] : parts) workers_.push_back(worker.value());
  }

  void split(data::PayloadPtr batch, std::vector<data::PayloadPtr>& parts) override {
    PyPayload::Rewriter rewriter(as_py(*batch));
    while (!rewriter.done()) {
      rewriter.rewrite_part([this](PyObject* item) {
        PyObject* placed = choice_.placed(item);
        Py_DECREF(item);
        return placed;
      });
    }
    rewriter.finish();
    ItemRouter::split(std::move(batch), parts);
  }

 private:
  friend ItemRouter;

  std::uint32_t owner_of_item(PyObject* item) { return workers_[placed_item(item).part]; }

  PartChoice choice_;
  std::vector<std::uint32_t> workers_;  // by partition, in order of the names
};

}  // namespace

std::unique_ptr<channel::Router> make_key_router(const PyStep& step, operators::Seat seat) {
  return std::make_unique<HashRouter>(step.id, seat.worker_count);
}

std::unique_ptr<channel::Router> make_partition_router(const PyStep& step, const PyTypes& types,
                                                       operators::Seat seat,
                                                       const progress::Assignment& parts) {
  return std::make_unique<PartitionRouter>(step, types, seat, parts);
}

}  // namespace cppwax::bindings
