// Parameters by what people write for them.
#pragma once

#include <string>
#include <vector>

#include "nn/module_walk.h"

namespace torchkeep {

// The parameters that any of the globs matches, or whose module or one above it does; in the
// module's order. Throws not_found, with the names there are, for a glob that matches none.
std::vector<NamedTensor> matching_parameters(const torch::nn::Module& module,
                                             const std::vector<std::string>& globs);

// Throws not_found with these names as advice.
[[noreturn]] void fail_no_parameter(const std::string& what,
                                    const std::vector<NamedTensor>& parameters);

}  // namespace torchkeep
