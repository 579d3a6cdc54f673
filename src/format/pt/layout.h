// Which records the layouts have, and which layout an archive has.
#pragma once

#include <torchkeep/save.h>

#include "format/pt/archive.h"

namespace torchkeep::pt {

// Told by the records that came with each layout; the oldest where there is none of them.
Layout layout_of(const Archive& archive);

}  // namespace torchkeep::pt
