// Saving what is whole from a damaged or truncated file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/dtype.h>
#include <torchkeep/limits.h>
#include <torchkeep/progress.h>
#include <torchkeep/save.h>
#include <torchkeep/tensor.h>

namespace torchkeep {

struct RestoredTensor {
  enum class Condition {
    whole,       // its bytes have the checksum they were written with
    mended,      // one bit had been flipped, which its checksum told
    unverified,  // all bytes are there, but without a checksum
    damaged,     // all bytes are there, but the checksum differs
    partial,     // the file ends inside of it
    lost         // none of its bytes are there
  };

  std::string name;  // as inspect() shows it
  DType dtype = DType::float32;
  Shape shape;
  Condition condition = Condition::whole;
  bool is_kept = false;  // it is in the file that was written
  std::string reason;    // what is wrong; empty for whole ones
};

// "whole", "mended", ...
std::string_view name(RestoredTensor::Condition condition);

struct RepairReport {
  std::filesystem::path input;
  std::filesystem::path output;
  std::string format;  // of the input
  std::vector<RestoredTensor> tensors;
  std::vector<std::string> notes;  // what else is lost or doubtful
  bool is_written = false;         // there was something to save

  // True if all that the file held was saved.
  bool is_complete() const;
};

struct RepairOptions {
  bool keep_damaged = false;  // tensors whose checksum differs
  bool fill_partial = false;  // the missing part of partial tensors with zeros
  Limits limits = {};
  int threads = 0;  // as LoadOptions::threads
  Durability durability = Durability::synced;
  ProgressFunction progress = {};
};

// Reads `input` as far as it can be read and saves what is whole to `output`, a zip `.pt` unless
// its extension says otherwise. Entries of dicts whose tensors are not kept are left out; in lists
// None stands for them. Reads
//   - zip archives of torch.save, TorchScript and C++, also without their directory; of the latter
//     two the tensors are saved, by name,
//   - files of torch.save before 1.6, and safetensors, that end too early.
// Where the pickle with the names is lost, storages are saved as uint8 tensors under their keys.
// Nothing is written where nothing can be saved. Throws invalid_argument where `output` is `input`
// itself; not_found, io; unsupported for other formats. Never runs what is in the file.
RepairReport repair(const std::filesystem::path& input,
                    const std::filesystem::path& output,
                    const RepairOptions& options = {});

// For people.
std::string to_string(const RepairReport& report);
// As `torchkeep repair --json` prints it.
std::string to_json(const RepairReport& report);

}  // namespace torchkeep
