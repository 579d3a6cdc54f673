// Which tensors use which records of an archive.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/limits.h>

#include "format/zip/salvage.h"

namespace torchkeep::inspection {

struct TensorNames {
  struct Misfit {
    std::string record;  // that a storage should have
    std::vector<std::string> tensors;
    std::string problem;  // it is missing, or of another size
    const zip::Salvaged* found = nullptr;
  };

  std::map<const zip::Salvaged*, std::vector<std::string>> by_record;
  std::vector<Misfit> misfits;
  std::optional<Error> pickle_error;  // the pickle could not be followed
};

// Decodes the pickle of an archive of torch.save, if it has one, as far as it can be.
TensorNames find_tensor_names(std::span<const std::byte> file,
                              const zip::Salvage& archive,
                              const Limits& limits);

}  // namespace torchkeep::inspection
