// Whether the chunks of a distributed checkpoint fit together.
#pragma once

#include <vector>

#include "format/dcp/metadata.h"

namespace torchkeep::dcp {

// Throws corrupt where the chunks of the tensor leave it, overlap or do not cover it; unsafe where
// there are too many to be compared.
void check_chunks(const Item& tensor);

// Throws corrupt where two items claim the same bytes of a data file.
void check_locations_distinct(const std::vector<Item>& items);

}  // namespace torchkeep::dcp
