// Files that attack a reader, made by the tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/value.h>

#include "support/zip_builder.h"

namespace torchkeep::testing {

struct HostileFile {
  enum class Outcome {
    refused,  // an error of code corrupt, unsupported or unsafe
    inert,    // plain data: what Python would call is only named
    either    // which of the two depends on a byte that does not matter
  };
  std::string name;
  std::string bytes;
  Outcome outcome = Outcome::refused;
};

using HostileFiles = std::vector<HostileFile>;

// Archives whose headers lie.
HostileFiles hostile_archives();
// Archives whose pickle is no honest one.
HostileFiles hostile_pickles();
// Archives whose tensors are not what they claim.
HostileFiles hostile_tensors();

// The records of a small honest archive with that pickle.
std::vector<ZipEntry> records_with(std::string_view pickle);
// The archive of a value that is written as it is, its storages included.
std::string archive_of(const Value& value);

}  // namespace torchkeep::testing
