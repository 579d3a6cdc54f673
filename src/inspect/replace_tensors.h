// Exchanging the tensors in a value.
#pragma once

#include <cstddef>
#include <functional>

#include <torchkeep/value.h>

namespace torchkeep::inspection {

using ReplaceTensor = std::function<Tensor(const Tensor&)>;

// Changes the value itself: every tensor in its dicts, lists and attributes of objects, but not
// those in tuples, sets and arguments of objects, which cannot be changed. Returns how many of
// those there are. Does not recurse.
std::size_t replace_tensors(Value& root, const ReplaceTensor& replace);

}  // namespace torchkeep::inspection
