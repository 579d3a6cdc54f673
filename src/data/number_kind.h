// Python tells 0 from 0.0; what only passes through should stay what it was.
#pragma once

#include <torchkeep/value.h>

namespace torchkeep {

// `before` where the two are the same number, or lists or tuples of the same numbers, and only the
// kind differs; `now` otherwise, and where `before` is null.
Value keep_kind(Value now, const Value* before);

}  // namespace torchkeep
