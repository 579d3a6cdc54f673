// The leaves of a value, under the name that this layer has for them.
#pragma once

#include "data/leaves.h"

namespace torchkeep::inspection {

using torchkeep::has_plain_arguments;
using torchkeep::LeafVisitor;
using torchkeep::visit_leaves;

}  // namespace torchkeep::inspection
