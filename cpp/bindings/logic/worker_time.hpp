// The time that all keys of a keyed step have in common on one worker, where its builder says so;
// for steps that run through Python. As window_worker_clock.hpp for those that do not.
#pragma once

#include <optional>

#include "bindings/logic/key_table.hpp"
#include "bindings/py_call.hpp"
#include "bindings/py_types.hpp"

namespace cppwax::bindings {

// A WorkerTime of python/cppwax/operators/windowing/_worker_time.py. Belongs to one worker. Errors
// are UserCodeErrors, with the words of a call for the key that is due first.
class WorkerTime {
 public:
  // The types outlive it.
  WorkerTime(const PyTypes& types, py::object time);

  // What has come counts for all keys from now on.
  void take_over();
  // Where the watermark is now.
  WallTime watermark(const KeySlot& first) const;
  // Where values brought the watermark last.
  WallTime told(const KeySlot& first) const;
  // The system time at which to look whether the watermark is at a time; nullopt: there is none.
  std::optional<WallTime> due(const KeySlot& first, WallTime when) const;
  // Where the watermark must be for the logic to be called.
  std::optional<WallTime> due_by_watermark(const py::object& logic, const KeySlot& slot) const;
  // Lets the state of this key tell what is known: one that is over may have known what those of no
  // others tell.
  void keep_in(const py::object& logic, const KeySlot& slot) const;
  // There is no key left.
  void forget();

 private:
  template <class Doing>
  std::optional<WallTime> time_of(Doing&& doing, const py::object& answer) const;

  const PyTypes& types_;
  py::object time_;
  // Of methods, asked for with every batch and key.
  py::object take_over_ = interned("take_over");
  py::object watermark_ = interned("watermark");
  py::object told_ = interned("told");
  py::object to_system_utc_ = interned("to_system_utc");
  py::object watermark_due_ = interned("watermark_due");
  py::object keep_time_ = interned("keep_time");
  py::object forget_ = interned("forget");
};

// The builder that a worker is to call in place of the one that all workers have, and the time that
// its keys share.
struct WorkerBuilder {
  py::object builder;
  std::optional<WorkerTime> time;
};

WorkerBuilder builder_for_worker(const PyTypes& types, py::object builder);

}  // namespace cppwax::bindings
