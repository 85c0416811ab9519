// A counted reference to a slot of a key table. As std::shared_ptr, but the count is in the slot
// and costs no atomic operations: all that holds a slot belongs to one worker.
#pragma once

#include <type_traits>
#include <utility>

namespace cppwax::bindings {

// `Slot` derives from KeySlot, which counts and knows how to die.
template <class Slot>
class SlotPtr {
 public:
  SlotPtr() = default;
  explicit SlotPtr(Slot* slot) : slot_(slot) {
    if (slot_) ++slot_->holders;
  }
  SlotPtr(const SlotPtr& other) : SlotPtr(other.slot_) {}
  SlotPtr(SlotPtr&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
  SlotPtr& operator=(SlotPtr other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~SlotPtr() {
    if (slot_ && --slot_->holders == 0) delete slot_;
  }

  Slot* get() const { return slot_; }
  Slot& operator*() const { return *slot_; }
  Slot* operator->() const { return slot_; }
  explicit operator bool() const { return slot_ != nullptr; }

 private:
  static_assert(std::has_virtual_destructor_v<Slot>);

  Slot* slot_ = nullptr;
};

}  // namespace cppwax::bindings
