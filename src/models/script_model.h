// TorchScript archives as models: LibTorch's interpreter runs their code.
#pragma once

#include <filesystem>

#include <torchkeep/model.h>

namespace torchkeep {

// The program in the file, with its parameters and buffers under their names. The configuration is
// empty and the architecture "torchscript"; save_model() cannot write it.
Model load_script_model(const std::filesystem::path& path);

}  // namespace torchkeep
