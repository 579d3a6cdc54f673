// A value as the formats see it that hold nothing but tensors with names.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <torchkeep/save.h>
#include <torchkeep/tensor.h>
#include <torchkeep/value.h>

namespace torchkeep {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

struct NamedTensors {
  std::vector<NamedTensor> tensors;  // in the order of the value
  // Names that were left out, each with that of the same tensor which was kept.
  std::vector<std::pair<std::string, std::string>> aliases = {};
};

// The tensors of a dict. What NestedDicts and SharedTensors say is done. Throws unsupported, naming
// the key, for values that are no tensors, for dicts and for shared memory where they are refused;
// invalid_argument for two tensors of one name. `format` names the format in messages.
NamedTensors named_tensors(const Value& value,
                           NestedDicts nested,
                           SharedTensors shared,
                           std::string_view format);

}  // namespace torchkeep
