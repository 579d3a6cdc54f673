// Reads a pickle as data. Nothing is imported, called or executed.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <torchkeep/limits.h>
#include <torchkeep/value.h>

namespace torchkeep::pickle {

// What the format around the pickle knows and the pickle does not.
struct DecodeHooks {
  // The value that a persistent id stands for. Without it persistent ids are corrupt.
  std::function<Value(const Value& id)> persistent_load;
  // Builds the result of `callee(*arguments)` where that is known data, such as a tensor. Nothing:
  // it is kept as an inert object. Calls that are plain Python data (OrderedDict, set, bytes) are
  // built by decode() itself.
  std::function<std::optional<Value>(const Object& callee, const List& arguments)> build;
};

struct Decoded {
  Value value;
  std::vector<std::string> globals;  // "module.name" of every global, sorted, each once
  std::size_t bytes_used = 0;        // up to and with STOP
};

// Decodes the first pickle in `bytes`, of protocol 0 to 5. Throws corrupt, unsupported or unsafe
// with the byte offset.
Decoded decode(std::span<const std::byte> bytes,
               const DecodeHooks& hooks = {},
               const Limits& limits = {});

}  // namespace torchkeep::pickle
