// The index of a state dict that lies in several files. The layout is in docs/format/sharded.md.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace torchkeep::sharded {

// In which file each tensor is, by name, in the order of the index.
using WeightMap = std::vector<std::pair<std::string, std::string>>;

// Reads `{"metadata": {...}, "weight_map": {name: file, ...}}`, or the bare map. Throws corrupt;
// unsafe for a file name with a directory and for absurd nesting.
WeightMap parse_index(std::string_view json);

// The index as Hugging Face's programs write it. `total_bytes` is of all tensors.
std::string make_index(const WeightMap& weight_map, std::uint64_t total_bytes);

}  // namespace torchkeep::sharded
