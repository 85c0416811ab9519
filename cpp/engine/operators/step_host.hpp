// What a step may know of, and ask from, the worker that runs it.
#pragma once

#include <optional>

#include "engine/base/clock.hpp"
#include "engine/base/ids.hpp"

namespace cppwax::operators {

// Belongs to one worker; implemented by the worker, and by tests.
class StepHost {
 public:
  virtual ~StepHost() = default;
  virtual const Clock& clock() const = 0;

  // The last epoch opened by the cluster's clock (P7); sources close all before it.
  virtual Epoch opened() const = 0;
  // Whether a stop was asked for; sources end as Stopped in `opened()` then (P17).
  virtual bool stopping() const = 0;
  // Whether everything before this epoch is through all last steps of all workers.
  virtual bool probe_passed(Epoch epoch) const = 0;
  // Each round of polls is an epoch of its own.
  virtual bool epoch_each_poll() const = 0;

  // Whether batches of a source may be joined: not where its rounds of polls can be told apart.
  virtual bool may_join() const = 0;

  // The first work of an epoch on this worker is told to the clock (P7); repeats are free.
  virtual void report_active(Epoch epoch) = 0;
  // Ends the whole execution at once, without an error.
  virtual void abort() = 0;
};

}  // namespace cppwax::operators
