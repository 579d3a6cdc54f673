// Writes NumPy's .npy and .npz files.
#pragma once

#include "format/format.h"

namespace torchkeep::npy {

// As Format::write: one tensor.
void write_npy(const Value& value,
               const std::filesystem::path& path,
               const SaveOptions& options,
               const Sink& sink);

// As Format::write: a dict of tensors. Nothing is compressed.
void write_npz(const Value& value,
               const std::filesystem::path& path,
               const SaveOptions& options,
               const Sink& sink);

}  // namespace torchkeep::npy
