// A copy of a value that shares nothing with it, made as fast as memory allows.
#pragma once

#include <memory>

#include <torchkeep/value.h>

#include "io/block_cache.h"

namespace torchkeep::pt {

// All bytes of tensors lie in one block of `memory`, which gets it back when the last of them is
// gone; only what the tensors show is copied. Saving the copy writes the bytes that saving the
// value would have written. `threads` as in LoadOptions. Throws io for too little memory; as
// pickle::encode().
Value snapshot(const Value& value, std::shared_ptr<io::BlockCache> memory, int threads = 0);

}  // namespace torchkeep::pt
