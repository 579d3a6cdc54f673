// The images of a training or of a measurement, as the settings name them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <torchkeep/dataset.h>

#include "cli/run_settings.h"

namespace torchkeep::cli {

// Of an option that names data.
inline constexpr const char* kDataHelp =
    "fashion-mnist, fashion-mnist:DIR, idx:DIR, cifar10:DIR, csv:FILE, folder:DIR or just the "
    "folder";

struct RunData {
  Dataset training;
  std::optional<Dataset> validation;
};

// With the data's own part for validation, or a fraction of the images for training. Throws as
// load_dataset, select_classes and take_per_class.
RunData load_run_data(const RunSettings& settings);

// The part of the data that `name` names, of these classes only, of all if there are none. Throws
// not_found if the data have no such part.
Dataset load_data(const std::string& name, Split split, const std::vector<std::int64_t>& classes);

}  // namespace torchkeep::cli
