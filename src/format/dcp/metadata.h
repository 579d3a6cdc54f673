// The `.metadata` of a distributed checkpoint: what it holds and where. The layout is in
// docs/format/dcp.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <torchkeep/limits.h>
#include <torchkeep/tensor.h>
#include <torchkeep/value.h>

namespace torchkeep::dcp {

// Bytes in a data file.
struct Location {
  std::string file;  // relative to the directory; never leads out of it
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

// A block of a tensor.
struct Chunk {
  Shape offsets;  // of its first element
  Shape sizes;
  Location location;
};

struct Item {
  std::string name;  // with dots where dicts were nested
  bool is_tensor = false;
  DType dtype = DType::float32;
  Shape shape;
  std::vector<Chunk> chunks;  // not empty ones; together they are the tensor, without an overlap
  Location location;          // of a value that is no tensor
};

struct Metadata {
  std::vector<Item> items;
  // The keys and list indexes on the way to an item, by its name; empty where nothing was nested.
  std::unordered_map<std::string, List> paths;
  std::vector<std::string> globals;
};

// Reads and checks all of it: chunks cover their tensors exactly, no two items claim the same
// bytes. Throws corrupt, with the item; unsupported for what newer versions may add; unsafe for
// paths that lead out of the directory and for more chunks than can be compared.
Metadata parse_metadata(std::span<const std::byte> pickle, const Limits& limits);

}  // namespace torchkeep::dcp
