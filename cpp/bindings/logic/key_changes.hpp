// Which keys of a keyed step have changed since they were stored last.
#pragma once

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
    if (!slot.changed) add(slot);
  }

  void discarded(const KeySlot& slot) {
    if (slot.stored) discarded_.insert(bytes_of(slot));
  }

  // At most `at_most` of them. `state_of(slot)` gives the state of one as bytes.
  template <class StateOf>
  recovery::Entries take(std::size_t at_most, StateOf&& state_of) {
    recovery::Entries entries;
    while (!discarded_.empty() && entries.size() < at_most) {
      entries.push_back({std::move(discarded_.extract(discarded_.begin()).value()), std::nullopt});
    }
    while (!changed_.empty() && entries.size() < at_most) {
      const KeySlotPtr slot = std::move(changed_.back());
      changed_.pop_back();
      slot->changed = false;
      if (slot->erased) continue;
      entries.push_back({bytes_of(*slot), state_of(*slot)});
      slot->stored = true;
    }
    return entries;
  }

  const StateCodec& codec() const { return codec_; }

 private:
  void add(KeySlot& slot) {
    slot.changed = true;
    // What was discarded in the same epoch, and is here again.
    if (!discarded_.empty() && discarded_.erase(bytes_of(slot)) > 0) slot.stored = true;
    changed_.push_back(slot.shared_from_this());
  }

  static std::string bytes_of(const KeySlot& slot) {
    std::string storage;
    return std::string(key_bytes(slot.key.ptr(), storage));
  }

  StateCodec codec_;
  std::vector<KeySlotPtr> changed_;
  std::unordered_set<std::string> discarded_;
};

}  // namespace cppwax::bindings
