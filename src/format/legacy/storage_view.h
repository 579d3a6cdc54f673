// Storages that are a part of another one, as PyTorch had them until 0.4.
#pragma once

#include <torchkeep/storage.h>
#include <torchkeep/value.h>

namespace torchkeep::legacy {

// `count` elements of `root` from element `offset` on, over the same memory. Both are values of a
// file. Throws corrupt where they are no numbers or lie outside.
Storage view_of(const Storage& root, const Value& offset, const Value& count);

}  // namespace torchkeep::legacy
