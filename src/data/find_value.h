// Finding a part of a value by its dotted name.
#pragma once

#include <string_view>

#include <torchkeep/value.h>

namespace torchkeep {

// The leaf that visit_leaves() gives this name, or the container on the way to leaves; the root for
// an empty name. Keys may hold dots themselves. Throws not_found, with the most similar name as
// advice.
Value find_value(const Value& root, std::string_view name);

}  // namespace torchkeep
