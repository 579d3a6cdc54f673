// The dicts and lists that a distributed checkpoint has flattened.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <torchkeep/value.h>

namespace torchkeep::dcp {

// Puts every value at its path of keys (strings) and list indexes (numbers); a name without a path
// is a key itself. Throws corrupt where paths contradict each other or index far past a list's end.
Value nest(std::vector<std::pair<std::string, Value>> values,
           const std::unordered_map<std::string, List>& paths);

}  // namespace torchkeep::dcp
