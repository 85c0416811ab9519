// The open sessions of one key, each with what the user keeps for it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/windowing/window_grid.hpp"

namespace cppwax::windowing {

// What late values are told for: which session they would have been in is not known any more.
inline constexpr WindowId kLateSession = -1;

// The longest pause within a session. REQUIRES: 0 <= gap <= kLongestSpan.
struct SessionGap {
  Micros gap;
};

// Belongs to one key of one worker; movable. The gap is given to each call. `T` is movable; what
// users are called with through it may throw, and then the object may only be destroyed.
//
// Invariants: (1) sessions lie in order of time, with more than the gap between any two, so only
// the two beside a time can have to do with it and those to close are a prefix; (2) ids are given
// once, in order of opening, which is the order in which sessions are told of; (3) a session that
// became part of another keeps its content in `merges_` until `merge`.
template <class T>
class SessionWindows {
 public:
  using Shape = SessionGap;
  using Content = T;

  struct Session {
    WindowId id;
    Micros first;
    Micros last;
    std::vector<WindowId> merged;  // sorted
    T content;
  };

  // Calls `use(id, content)` for the session that the time is near to, of two for the one opened
  // first; two become one, the one that begins first. `make()` gives the content of a new one.
  template <class Make, class Use>
  void insert(const Shape& shape, Micros when, Make&& make, Use&& use) {
    const std::size_t position = first_after(when);
    const bool before = position > 0 && when - open_[position - 1].last <= shape.gap;
    const bool after = position < open_.size() && open_[position].first - when <= shape.gap;
    if (before && after) {
      insert_between(position, use);
    } else if (before) {
      Session& session = open_[position - 1];
      session.last = std::max(session.last, when);
      use(session.id, session.content);
    } else if (after) {
      Session& session = open_[position];
      session.first = when;
      use(session.id, session.content);
    } else {
      const auto where = open_.begin() + static_cast<std::ptrdiff_t>(position);
      Session& session = *open_.insert(where, {next_id_++, when, when, {}, make()});
      use(session.id, session.content);
    }
  }

  template <class Tell>
  static void late(const Shape&, Micros, Tell&& tell) {
    tell(kLateSession);
  }

  // After the values of a batch. Calls `merge(from id, from content, into id, into content)` for
  // each session that became part of another, in the order in which they did.
  template <class Merge>
  void merge(Merge&& merge) {
    for (std::size_t i = 0; i < merges_.size(); ++i) {
      merge(merges_[i].from, std::move(merges_[i].content), merges_[i].into,
            content_of(merges_[i].into, i + 1));
    }
    merges_.clear();
  }

  // Calls `tell(id, content, bounds, merged ids)` for each session whose gap lies before the
  // watermark, in order of opening; at the end of time for all. The end is the last time in it.
  template <class Tell>
  void close(const Shape& shape, Micros watermark, Tell&& tell) {
    const auto is_over = [&](const Session& session) {
      return watermark >= kUtcMax || session.last + shape.gap < watermark;
    };
    std::size_t count = 0;
    while (count < open_.size() && is_over(open_[count])) ++count;
    if (count == 0) return;
    const auto begin = open_.begin();
    const auto end = begin + static_cast<std::ptrdiff_t>(count);
    std::vector<Session> closed(std::make_move_iterator(begin), std::make_move_iterator(end));
    open_.erase(begin, end);
    std::sort(closed.begin(), closed.end(),
              [](const Session& a, const Session& b) { return a.id < b.id; });
    for (Session& session : closed) {
      tell(session.id, std::move(session.content), WindowBounds{session.first, session.last},
           std::move(session.merged));
    }
  }

  // Where the watermark must be for the next session to close.
  std::optional<Micros> next_close(const Shape& shape) const {
    if (open_.empty()) return std::nullopt;
    return between_the_ends(open_.front().last + shape.gap + 1);
  }

  // Never: ids would come again.
  bool may_be_forgotten() const { return false; }
  std::size_t size() const { return open_.size(); }

  // Null: it is not open.
  T* find(WindowId id) {
    for (Session& session : open_) {
      if (session.id == id) return &session.content;
    }
    return nullptr;
  }

  // For a snapshot, to be taken between batches: the next id, and the open sessions in order of
  // opening.
  WindowId next_id() const { return next_id_; }
  std::vector<const Session*> opened() const {
    ENGINE_ASSERT(merges_.empty(), merges_.size());
    std::vector<const Session*> told;
    told.reserve(open_.size());
    for (const Session& session : open_) told.push_back(&session);
    std::sort(told.begin(), told.end(),
              [](const Session* a, const Session* b) { return a->id < b->id; });
    return told;
  }

  // From a snapshot; in any order.
  void resume_ids_from(WindowId next) { next_id_ = next; }
  void reopen(Session session) {
    const auto position = static_cast<std::ptrdiff_t>(first_after(session.first));
    open_.insert(open_.begin() + position, std::move(session));
  }

 private:
  struct Merge {
    WindowId from;
    WindowId into;
    T content;
  };

  std::size_t first_after(Micros when) const {
    if (!open_.empty() && open_.back().first <= when) return open_.size();
    const auto position =
        std::upper_bound(open_.begin(), open_.end(), when,
                         [](Micros time, const Session& session) { return time < session.first; });
    return static_cast<std::size_t>(position - open_.begin());
  }

  template <class Use>
  void insert_between(std::size_t position, Use&& use) {
    Session& earlier = open_[position - 1];
    Session& later = open_[position];
    Session& opened_first = earlier.id < later.id ? earlier : later;
    use(opened_first.id, opened_first.content);
    earlier.last = later.last;
    add_ids(earlier.merged, later.merged);
    add_ids(earlier.merged, {later.id});
    merges_.push_back({later.id, earlier.id, std::move(later.content)});
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(position));
  }

  static void add_ids(std::vector<WindowId>& ids, const std::vector<WindowId>& more) {
    const auto middle = static_cast<std::ptrdiff_t>(ids.size());
    ids.insert(ids.end(), more.begin(), more.end());
    std::inplace_merge(ids.begin(), ids.begin() + middle, ids.end());
  }

  // Of a session that is open, or of one that itself became part of another later on.
  T& content_of(WindowId id, std::size_t first_merge) {
    if (T* content = find(id)) return *content;
    for (std::size_t i = first_merge; i < merges_.size(); ++i) {
      if (merges_[i].from == id) return merges_[i].content;
    }
    fail_assertion(__FILE__, __LINE__, "a session merged into is there", "");
  }

  std::vector<Session> open_;
  std::vector<Merge> merges_;
  WindowId next_id_ = 0;
};

}  // namespace cppwax::windowing
