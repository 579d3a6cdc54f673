// The mean of checkpoints.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <torchkeep/limits.h>
#include <torchkeep/progress.h>
#include <torchkeep/value.h>

namespace torchkeep {

struct AverageOptions {
  // One for each file, from 0 on and not all 0; empty: all the same.
  std::vector<double> weights = {};
  // The state dict to average, as a dotted path. Empty: the whole file where it is a state dict,
  // else "model_state_dict", "state_dict" or "model".
  std::string key = {};
  int threads = 0;  // 0: as many as there are processors, at most 8
  Limits limits = {};
  ProgressFunction progress = {};
};

struct Average {
  Value value;               // that of the last file, with the mean in the place of its state dict
  std::string key;           // where the state dict is in it; empty: it is the whole value
  std::size_t averaged = 0;  // tensors
  std::vector<std::string> kept;  // tensors that are those of the last file
};

// The mean of the state dicts of several files, element by element in float64 in the order of the
// files: sum(x) / n, or sum(w * x) / sum(w), rounded to the type of the last file. Real and complex
// floats are averaged; integers, bools and quantised tensors are those of the last file, and so is
// everything around the state dict. Shared memory and strides stay as they are in the last file.
// The files are mapped and their checksums compared: memory grows with one state dict, not with
// the number of files. Throws as load(); invalid_argument for no files and for unusable weights;
// not_found where there is no state dict; MismatchError, naming the file, where names or shapes
// differ from the last file's.
Average average(const std::vector<std::filesystem::path>& paths,
                const AverageOptions& options = {});

}  // namespace torchkeep
