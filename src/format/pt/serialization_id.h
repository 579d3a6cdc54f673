// The record that identifies what an archive holds.
#pragma once

#include <span>
#include <string>

#include "format/zip/writer.h"

namespace torchkeep::pt {

// The 40 digits that PyTorch on Linux writes into `.data/serialization_id` after those records.
std::string serialization_id(std::span<const zip::Writer::Entry> entries);

}  // namespace torchkeep::pt
