// Parts of a data set.
#pragma once

#include <cstdint>
#include <vector>

#include <torchkeep/dataset.h>

namespace torchkeep {

// The images at these positions, in this order, with all classes.
Dataset at_positions(const Dataset& dataset, const std::vector<std::int64_t>& positions);

}  // namespace torchkeep
