// Other names for the tensors of a state dict, and which of them would suit a model.
#pragma once

#include <string>
#include <vector>

#include <torchkeep/match.h>

namespace torchkeep {

// Another beginning for the names that start with `from`. Both end with a dot or are empty: an
// empty `to` strips a prefix, an empty `from` adds one.
struct PrefixRename {
  std::string from;
  std::string to;
};

// Of the prefixes that a name starts with, the longest is renamed.
using Renaming = std::vector<PrefixRename>;

StateDict renamed(const StateDict& found, const Renaming& renaming);

// Renamings of whole blocks that bring tensors of the file to places of the model where nothing
// fits: first the one with all blocks whose place is certain (absent if there is none), then
// prefixes whose stripping suits the same places equally well, each alone. The names below a
// block and the shapes agree for more than half of it; blocks that suit several places equally
// well are left out. `report` is that of the comparison.
std::vector<Renaming> find_renamed_blocks(const std::vector<TensorForm>& expected,
                                          const StateDict& found,
                                          const LoadReport& report);

// The children of lists (`features.0`, `features.2`, ...) whose numbers changed and whose order did
// not, because modules without tensors or of other shapes came or went between them. Empty if there
// are none.
Renaming find_renumbered_lists(const std::vector<TensorForm>& expected, const StateDict& found);

}  // namespace torchkeep
