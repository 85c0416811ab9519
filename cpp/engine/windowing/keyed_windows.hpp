// The windows of one key: what becomes of a value, and what happens when the watermark moves. As
// WindowDriver of python/cppwax/operators/windowing/_driver.py, which tests compare with. Who uses
// it owns the key's clock and brings batches one by one.
#pragma once

#include <optional>
#include <utility>

#include "engine/windowing/time.hpp"
#include "engine/windowing/waiting_values.hpp"
#include "engine/windowing/window_grid.hpp"

namespace cppwax::windowing {

// A value of a batch: when it happened, and the key's watermark after it.
template <class Value>
struct Arrival {
  Micros when;
  Micros watermark;
  Value value;
};

// Belongs to one key of one worker; movable. `Windows` is SlidingWindows or SessionWindows of a
// content. The handler is told what happens; it has
//   Content make();                                                a window opens
//   void late(WindowId, const Value&);
//   void value(WindowId, Content&, const Value&);
//   void merge(WindowId from_id, Content from, WindowId into_id, Content& into);
//   void close(WindowId, Content, WindowBounds, merged ids);
// and may throw; then the object may only be destroyed.
template <class Windows, class Value>
class KeyedWindows {
 public:
  using Shape = typename Windows::Shape;
  using Content = typename Windows::Content;

  // Late values are told at once. Others go into their windows at once, or `ordered` when the
  // watermark reaches them.
  template <class Handler>
  void arrive(const Shape& shape, bool ordered, Arrival<Value> arrival, Handler& handler) {
    if (arrival.when < arrival.watermark) {
      Windows::late(shape, arrival.when, [&](WindowId id) { handler.late(id, arrival.value); });
    } else if (ordered) {
      waiting_.add(arrival.when, std::move(arrival.value));
    } else {
      insert(shape, arrival.when, arrival.value, handler);
    }
  }

  // After the last value of a batch, at a notification, and at the end.
  template <class Handler>
  void settle(const Shape& shape, Micros watermark, Handler& handler) {
    while (auto waiting = waiting_.take(watermark)) {
      insert(shape, waiting->when, waiting->value, handler);
    }
    windows_.merge([&](WindowId from_id, Content from, WindowId into_id, Content& into) {
      handler.merge(from_id, std::move(from), into_id, into);
    });
    windows_.close(shape, watermark,
                   [&](WindowId id, Content content, const WindowBounds& bounds, auto merged) {
                     handler.close(id, std::move(content), bounds, std::move(merged));
                   });
  }

  // Where the watermark must be for something to happen; ask the clock when that is.
  std::optional<Micros> next(const Shape& shape) const {
    auto next = windows_.next_close(shape);
    if (waiting_.empty()) return next;
    if (const auto value = waiting_.next(); !next || *value < *next) next = value;
    return next;
  }

  bool may_be_forgotten() const { return waiting_.empty() && windows_.may_be_forgotten(); }

  // For snapshots.
  Windows& windows() { return windows_; }
  WaitingValues<Value>& waiting() { return waiting_; }

 private:
  template <class Handler>
  void insert(const Shape& shape, Micros when, const Value& value, Handler& handler) {
    windows_.insert(
        shape, when, [&] { return handler.make(); },
        [&](WindowId id, Content& content) { handler.value(id, content, value); });
  }

  Windows windows_;
  WaitingValues<Value> waiting_;
};

}  // namespace cppwax::windowing
