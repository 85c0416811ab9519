// Which keys of a keyed step have changed since they were stored last.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "bindings/logic/key_table.hpp"
#include "bindings/logic/keyed_item.hpp"
#include "bindings/logic/state_codec.hpp"
#include "engine/recovery/entry.hpp"

namespace cppwax::bindings {

// Belongs to one worker; used with the interpreter held. Invariant: a key is taken once, as it is
// then: changed, or discarded; one of which nothing was ever stored leaves nothing behind.
class KeyChanges {
 public:
  void changed(KeySlot& slot) {
    if (slot.change == kNowhere) add(slot);
  }

  // To be called before the slot leaves its table.
  void discarded(KeySlot& slot) {
    if (slot.change != kNowhere) remove(slot);
    if (slot.stored) discarded_.insert(bytes_of(slot));
  }

  // At most `at_most` of them. `state_of(slot)` gives the state of one as bytes.
  template <class StateOf>
  recovery::Entries take(std::size_t at_most, StateOf&& state_of) {
    recovery::Entries entries;
    entries.reserve(std::min(at_most, discarded_.size() + changed_.size()));
    while (!discarded_.empty() && entries.size() < at_most) {
      entries.push_back({std::move(discarded_.extract(discarded_.begin()).value()), std::nullopt});
    }
    while (!changed_.empty() && entries.size() < at_most) {
      look_ahead();
      KeySlot& slot = *changed_.back();
      remove(slot);
      recovery::Entry& entry = entries.emplace_back();
      entry.key = bytes_of(slot);
      entry.state = state_of(slot);
      slot.stored = true;
    }
    return entries;
  }

  const StateCodec& codec() const { return codec_; }

 private:
  void add(KeySlot& slot) {
    // What was discarded in the same epoch, and is here again.
    if (!discarded_.empty() && discarded_.erase(bytes_of(slot)) > 0) slot.stored = true;
    slot.change = changed_.size();
    changed_.push_back(&slot);
  }

  // Slots and keys of many do not fit into the processor's cache.
  void look_ahead() const {
    constexpr std::size_t kSoon = 16;
    constexpr std::size_t kVerySoon = 8;
    const std::size_t size = changed_.size();
    if (size <= kSoon) return;
    __builtin_prefetch(changed_[size - 1 - kSoon]);
    __builtin_prefetch(changed_[size - 1 - kVerySoon]->key.ptr());
  }

  void remove(KeySlot& slot) {
    KeySlot* const last = changed_.back();
    changed_[slot.change] = last;
    last->change = slot.change;
    changed_.pop_back();
    slot.change = kNowhere;
  }

  static std::string bytes_of(const KeySlot& slot) {
    std::string storage;
    return std::string(key_bytes(slot.key.ptr(), storage));
  }

  StateCodec codec_;
  std::vector<KeySlot*> changed_;  // all of them in their table
  std::unordered_set<std::string> discarded_;
};

}  // namespace cppwax::bindings
