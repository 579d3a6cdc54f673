// Which tensors go into which file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "format/named_tensors.h"

namespace torchkeep::sharded {

// What counts as the size of a tensor.
enum class Sharing {
  kept,  // its storage, which is written once; tensors that share one stay together
  none   // its own elements
};

struct Split {
  std::vector<std::vector<NamedTensor>> shards;
  std::uint64_t total_bytes = 0;
};

// As Hugging Face's programs split: in the order of the tensors, a new shard where the next one
// would make it larger than `max_bytes`, and one of its own for a tensor that is larger than that.
Split split(const std::vector<NamedTensor>& tensors, std::uint64_t max_bytes, Sharing sharing);

// "model-00001-of-00003.safetensors" for "model.safetensors"; `number` counts from 1.
std::string shard_name(const std::filesystem::path& path, std::size_t number, std::size_t count);
// Whether shard_name() gives such a name for the path, whatever the numbers.
bool is_shard_name(const std::filesystem::path& path, const std::string& name);
// "model.safetensors.index.json" beside it.
std::filesystem::path index_path(const std::filesystem::path& path);

}  // namespace torchkeep::sharded
