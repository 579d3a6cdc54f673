// Models and tensors named on the command line.
#pragma once

#include <filesystem>
#include <string>

#include <torchkeep/model.h>

#include <CLI/App.hpp>

namespace torchkeep::cli {

struct ModelArguments {
  std::filesystem::path file;
  std::string architecture;
  bool allow_torchscript = false;
};

// Adds FILE and the options that say how to read it.
void add_model_options(CLI::App& command, ModelArguments& arguments);

Model load_whole_model(const ModelArguments& arguments);

// The tensor in a file: the whole of it, or the only one in its dict. Throws mismatch, naming the
// keys there are.
at::Tensor load_tensor(const std::filesystem::path& path);

}  // namespace torchkeep::cli
