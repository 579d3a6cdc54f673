// Which entries of its memo a pickle uses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "base/seeded_hash.h"

namespace torchkeep::pickle {

// Python's pickler gives every value a number, and refers to few of them again. The others need not
// be held until the end: of a state dict that is most of what was made on the way.
class FetchedEntries {
 public:
  // Reads the opcodes up to STOP, or as far as they can be read.
  FetchedEntries(std::span<const std::byte> pickle, std::uint64_t max_bytes);

  bool contains(std::uint64_t number) const;

 private:
  void add(std::uint64_t number);

  std::vector<bool> small_;  // by number
  std::unordered_set<std::uint64_t, SeededHash> large_;
  bool counts_ = false;  // MEMOIZE takes its number from how many entries there are: all count
};

}  // namespace torchkeep::pickle
