#include "format/placed_storage.h"

#include <cstdint>
#include <cstring>
#include <optional>

#include "data/byte_order.h"

namespace torchkeep {

Storage place_storage(std::span<std::byte> bytes,
                      const std::shared_ptr<const void>& owner,
                      DType dtype) {
  const std::optional<DType> typed =
      storage_class(dtype).empty() ? std::nullopt : std::optional(dtype);
  if (bytes.empty()) return Storage(nullptr, 0, nullptr, typed);
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % number_bytes(dtype) == 0) {
    return Storage(bytes.data(), bytes.size(), owner, typed);
  }
  Storage copy = Storage::allocate(bytes.size(), typed);
  std::memcpy(copy.mutable_bytes().data(), bytes.data(), bytes.size());
  return copy;
}

}  // namespace torchkeep
