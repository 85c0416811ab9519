#include "bindings/logic/watched_body.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/logic/keyed_item.hpp"
#include "bindings/py_payload.hpp"

namespace cppwax::bindings {

namespace {

// After the first ones, which all count, so many items lie between two that do: at random, since
// keys may come in turn, and half of this on average.
constexpr std::size_t kAllBefore = 256;
constexpr std::uint32_t kFurthest = 128;

class WatchedBody final : public operators::KeyedBody {
 public:
  WatchedBody(std::unique_ptr<operators::KeyedBody> body, std::shared_ptr<SampledKeys> keys)
      : body_(std::move(body)), keys_(std::move(keys)) {}

  bool sees_batches() const override { return body_->sees_batches(); }
  std::unique_ptr<operators::Job> on_batch(data::PayloadPtr batch) override {
    if (const std::size_t size = batch->size(); next_ < size) {
      take_sample(as_py(*batch));
    } else {
      next_ -= size;
    }
    return body_->on_batch(std::move(batch));
  }
  std::unique_ptr<operators::Job> on_due(WallTime now) override { return body_->on_due(now); }
  std::unique_ptr<operators::Job> on_eof() override { return body_->on_eof(); }
  std::optional<WallTime> next_due() const override { return body_->next_due(); }
  std::optional<Duration> watermark_lag() const override { return body_->watermark_lag(); }
  recovery::Entries take_changes(std::size_t at_most) override {
    return body_->take_changes(at_most);
  }
  void restore(recovery::Entries entries) override { body_->restore(std::move(entries)); }
  bool resume() override { return body_->resume(); }

 private:
  void take_sample(const PyPayload& batch) {
    const auto items = batch.items();
    // Before the lock is taken: to encode a key may run user code, by a garbage collection.
    sample_.clear();
    for (; next_ < items.size(); next_ += distance()) add(items[next_]);
    next_ -= items.size();
    keys_->with([&](operators::FrequentKeys& keys) {
      for (const std::string& key : sample_) keys.add(key);
    });
  }

  // An item that is no pair is refused by the body.
  void add(PyObject* item) {
    if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) != 2) return;
    PyObject* const key = PyTuple_GET_ITEM(item, 0);
    if (!PyUnicode_Check(key)) return;
    std::string storage;
    sample_.emplace_back(key_bytes(key, storage));
  }

  std::size_t distance() {
    if (taken_ < kAllBefore) {
      ++taken_;
      return 1;
    }
    random_ = random_ * 1'664'525u + 1'013'904'223u;
    return 1 + (random_ >> 16) % kFurthest;
  }

  std::unique_ptr<operators::KeyedBody> body_;
  std::shared_ptr<SampledKeys> keys_;
  std::size_t next_ = 0;  // from here to the next item that counts
  std::size_t taken_ = 0;
  std::uint32_t random_ = 1;
  std::vector<std::string> sample_;
};

}  // namespace

std::unique_ptr<operators::KeyedBody> watched(std::unique_ptr<operators::KeyedBody> body,
                                              std::shared_ptr<SampledKeys> keys) {
  return std::make_unique<WatchedBody>(std::move(body), std::move(keys));
}

}  // namespace cppwax::bindings
