// Decides which worker gets which item of a batch.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/ids.hpp"
#include "engine/data/payload.hpp"

namespace cppwax::channel {

// Belongs to one sender.
class Router {
 public:
  virtual ~Router() = default;
  // Puts each item into the part of its worker, in order; `parts` has one (null) entry a worker,
  // entries of workers that get nothing may stay null.
  // Errors: UserCodeError for an item that cannot be routed.
  virtual void split(data::PayloadPtr batch, std::vector<data::PayloadPtr>& parts) = 0;
};

// Spreads batches evenly: small ones whole and in turn, larger ones cut into a slice a worker.
class BalancedRouter : public Router {
 public:
  // `start`: the worker that gets the first batch (the sender's own: senders begin apart).
  BalancedRouter(std::uint32_t worker_count, WorkerIndex start);
  void split(data::PayloadPtr batch, std::vector<data::PayloadPtr>& parts) override;

 private:
  std::uint32_t worker_count_;
  std::uint32_t next_;
};

}  // namespace cppwax::channel
