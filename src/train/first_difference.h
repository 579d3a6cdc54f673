// Where two values that should be equal differ.
#pragma once

#include <cstdint>
#include <string>

#include <torchkeep/value.h>

namespace torchkeep {

struct Comparison {
  std::string difference = {};  // the first, with the keys that lead to it; empty if there is none
  std::int64_t values = 0;      // leaves that were compared
  std::int64_t bytes = 0;       // of tensors among them
};

// Compares leaf by leaf; floats and the elements of tensors by their bits.
Comparison compare_leaves(const Value& a, const Value& b);

}  // namespace torchkeep
