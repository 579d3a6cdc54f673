// What the arguments of well-known Python calls are called.
#pragma once

#include <string_view>
#include <vector>

#include <torchkeep/object.h>
#include <torchkeep/value.h>

namespace torchkeep {

struct NamedPart {
  std::string_view name;  // empty: the parts of the value stand for it
  Value value;
};

// The arguments with their names, such as `indices` and `values` of a sparse tensor; empty for a
// call that is not known, or not as it is known.
std::vector<NamedPart> named_parts(const Object& object);

}  // namespace torchkeep
