#include "format/pickle/decode.h"

#include <utility>

#include "base/fail.h"
#include "format/pickle/machine.h"

namespace torchkeep::pickle {

Decoded decode(std::span<const std::byte> bytes, const DecodeHooks& hooks, const Limits& limits) {
  Machine machine(bytes, hooks, limits);
  return machine.run();
}

}  // namespace torchkeep::pickle
