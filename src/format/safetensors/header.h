// The header of a safetensors file: what tensors it has and where. The layout is in
// docs/format/safetensors.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <torchkeep/tensor.h>

#include "format/safetensors/element_type.h"

namespace torchkeep::safetensors {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMostHeaderBytes = 100'000'000;
constexpr std::string_view kMetadataKey = "__metadata__";

struct TensorEntry {
  std::string name;
  const ElementType* type = nullptr;
  Shape shape;              // as the file has it
  std::uint64_t begin = 0;  // in the data behind the header
  std::uint64_t end = 0;
};

struct Header {
  std::vector<TensorEntry> tensors;  // in the order of the text
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Reads and checks the header of a file whose data behind it has `data_bytes` bytes: every tensor
// has as many bytes as its shape needs, and together they fill the data without a gap or overlap.
// Throws corrupt, with the tensor; unsupported for a type of element that PyTorch has not; unsafe
// for absurd nesting.
Header parse_header(std::string_view text, std::uint64_t data_bytes);

}  // namespace torchkeep::safetensors
