// Letting go of a checkpoint file.
#pragma once

#include <filesystem>

#include <torchkeep/retention_policy.h>

namespace torchkeep {

// Removes the file, or moves it to the trash of its directory, under a name that is not taken
// there. A file that is gone already is no error. Throws io.
void let_go(const std::filesystem::path& file, Deletion deletion);

}  // namespace torchkeep
