// How long a pickle is.
#pragma once

#include <cstdint>

#include <torchkeep/limits.h>

#include "io/window.h"

namespace torchkeep::pickle {

// The number of bytes of the pickle that begins at `begin`, up to and with STOP, found by stepping
// over its opcodes: nothing is kept, and strings are not read. `end` is where the window ends.
// Throws corrupt with the byte where the pickle does not end or has a byte that is no opcode,
// unsafe for one longer than Limits::max_pickle_bytes.
std::uint64_t measure_pickle(io::Window& window,
                             std::uint64_t begin,
                             std::uint64_t end,
                             const Limits& limits);

}  // namespace torchkeep::pickle
