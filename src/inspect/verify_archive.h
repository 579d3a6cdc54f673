// Verifying zip archives of all formats.
#pragma once

#include <filesystem>

#include <torchkeep/verify.h>

namespace torchkeep::inspection {

// Adds to the report all that is wrong with an archive, and its format where that can be told.
// Throws io, not_found.
void verify_archive(const std::filesystem::path& path,
                    const VerifyOptions& options,
                    VerifyReport& report);

}  // namespace torchkeep::inspection
