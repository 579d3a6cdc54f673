// The names of element types in safetensors files.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <torchkeep/dtype.h>

namespace torchkeep::safetensors {

struct ElementType {
  std::string_view name;
  std::uint64_t bits = 0;      // of one element
  std::optional<DType> dtype;  // nothing: PyTorch has no such type
};

// Null where no such type is known.
const ElementType* find_element_type(std::string_view name);
const ElementType* find_element_type(DType dtype);

// The place of the type in a file that is written: tensors of a higher rank come first.
int rank(const ElementType& type);

}  // namespace torchkeep::safetensors
