// One operator of the plan on one worker, as the scheduler sees it.
#pragma once

#include <optional>

#include "engine/base/clock.hpp"
#include "engine/base/error.hpp"
#include "engine/base/ids.hpp"
#include "engine/recovery/entry.hpp"

namespace cppwax::operators {

enum class Activity {
  kWaits,  // nothing to do before a message, credit, a due time or news of epochs
  kAgain,  // more to do at once
};

// Belongs to one worker; runs inside its UserCodeScope; starts no thread and does no I/O of its
// own.
class Step {
 public:
  virtual ~Step() = default;

  // User code that comes before the first activation; called once. If it fails, `close` is called.
  virtual void open() {}
  // Does one slice of work.
  virtual Activity activate() = 0;
  // When to activate it although nothing arrives; nullopt: never.
  virtual std::optional<WallTime> next_wake() const { return std::nullopt; }
  // Whether there is something to do that lacks credit below; for meters.
  virtual bool held() { return false; }
  // How far the watermark of what it saw last lies behind the present, if it has one; for meters.
  virtual std::optional<Duration> watermark_lag() const { return std::nullopt; }
  // Has told its end on all channels; is not activated again.
  virtual bool done() const = 0;
  // The epoch it works in: for error messages.
  virtual Epoch epoch() const = 0;
  // At a resume, before the first activation: states that were stored of it, then `resume` once.
  // REQUIRES: a step that stores them.
  virtual void restore(recovery::Entries entries) { ENGINE_ASSERT(entries.empty()); }
  virtual void resume() {}
  // All epochs up to this one are durable everywhere.
  virtual void committed(Epoch) {}
  // Gives back what user code opened; called once, however the run ended.
  virtual void close() {}
};

}  // namespace cppwax::operators
