#include "data/match_suggestions.h"

namespace torchkeep {

std::vector<std::string> suggest(const std::vector<TensorForm>&,
                                 const StateDict&,
                                 const LoadReport&) {
  return {};
}

}  // namespace torchkeep
