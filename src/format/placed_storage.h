// Storages over bytes that lie somewhere in a file.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <torchkeep/storage.h>

namespace torchkeep {

// The bytes, which `owner` keeps alive, as elements of that type: in place, or copied where the
// address does not suit the numbers, as files that align nothing have it.
Storage place_storage(std::span<std::byte> bytes,
                      const std::shared_ptr<const void>& owner,
                      DType dtype);

}  // namespace torchkeep
