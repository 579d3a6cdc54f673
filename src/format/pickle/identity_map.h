// What is known about values by their identity.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace torchkeep::pickle {

// A map from addresses that are not null. All lies in one block of memory, so that a look-up costs
// one cache miss; a pickle of many tensors makes some ten of them for each.
template <class T>
class IdentityMap {
 public:
  // The entry of that address; made if there is none. Valid until the next call.
  T& operator[](const void* identity) {
    if ((used_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slot_of(identity);
    if (slot.identity == nullptr) {
      slot.identity = identity;
      ++used_;
    }
    return slot.value;
  }

 private:
  struct Slot {
    const void* identity = nullptr;
    T value{};
  };

  Slot& slot_of(const void* identity) {
    constexpr std::uint64_t kGoldenRatio = 0x9E3779B97F4A7C15;
    const std::uint64_t mixed = std::bit_cast<std::uintptr_t>(identity) * kGoldenRatio;
    std::size_t at = static_cast<std::size_t>(mixed >> 32) & (slots_.size() - 1);
    while (slots_[at].identity != nullptr && slots_[at].identity != identity) {
      at = (at + 1) & (slots_.size() - 1);
    }
    return slots_[at];
  }

  void grow() {
    constexpr std::size_t kLeast = 64;  // the size stays a power of two
    const std::vector<Slot> old =
        std::exchange(slots_, std::vector<Slot>(slots_.empty() ? kLeast : slots_.size() * 2));
    for (const Slot& slot : old) {
      if (slot.identity != nullptr) slot_of(slot.identity) = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace torchkeep::pickle
