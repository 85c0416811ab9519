// What the keyed step under a window step emits: `(key, (window id, kind, value))` items, as Event
// of python/cppwax/operators/windowing/_driver.py.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "bindings/logic/window_call.hpp"
#include "bindings/logic/window_times.hpp"
#include "engine/windowing/window_grid.hpp"

namespace cppwax::bindings::windows {

using windowing::WindowBounds;
using windowing::WindowId;

// Made for a call to a key's logic. Takes over no more than it says.
class Events {
 public:
  // The words for the kinds; one a step and worker.
  struct Kinds {
    py::object late = interned("L");
    py::object emitted = interned("E");
    py::object closed = interned("M");
  };

  // All outlive it.
  Events(const Kinds& kinds, const KeySlot& slot, native::KeyedOut& out)
      : kinds_(kinds), slot_(slot), out_(out) {}

  void late(WindowId id, py::object value) { add(id, kinds_.late, std::move(value)); }
  void emitted(WindowId id, py::object value) { add(id, kinds_.emitted, std::move(value)); }
  // `metadata` is a WindowMetadata.
  void closed(WindowId id, py::object metadata) { add(id, kinds_.closed, std::move(metadata)); }

 private:
  void add(WindowId id, const py::object& kind, py::object value);

  const Kinds& kinds_;
  const KeySlot& slot_;
  native::KeyedOut& out_;
};

// Makes `WindowMetadata` objects. One a step and worker.
class MetadataMaker {
 public:
  // `grid`: a Python WindowGrid, where times are not told in UTC; else null.
  MetadataMaker(const PyTypes& types, py::object grid);

  py::object make(const Call& call, WindowId id, const WindowBounds& bounds,
                  const std::vector<WindowId>& merged);

 private:
  struct Known {
    Micros when = 0;
    py::object datetime;  // null: none
  };

  // Many keys have windows with the same ends.
  const py::object& datetime_of(Micros when);

  Times times_;
  py::object type_;
  py::object grid_;
  py::object no_arguments_;
  py::object open_time_, close_time_, merged_ids_, of_grid_;
  std::array<Known, 16> known_;
};

}  // namespace cppwax::bindings::windows
