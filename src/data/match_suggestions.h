// What would mend the difference between a state dict and a model.
#pragma once

#include <string>
#include <vector>

#include <torchkeep/match.h>

namespace torchkeep {

// One sentence for each remedy that was tried and helps, the most helpful first. `report` holds the
// lists of the comparison.
std::vector<std::string> suggest(const std::vector<TensorForm>& expected,
                                 const StateDict& found,
                                 const LoadReport& report);

}  // namespace torchkeep
