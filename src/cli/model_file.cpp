#include "cli/model_file.h"

#include <torchkeep/convert.h>

#include "base/fail.h"

namespace torchkeep::cli {

void add_model_options(CLI::App& command, ModelArguments& arguments) {
  command
      .add_option("MODEL", arguments.file, "The whole model, or a checkpoint that names its own")
      ->required();
  command.add_option("--arch", arguments.architecture,
                     "The architecture of a file that holds parameters only, such as vgg16");
  command.add_flag("--allow-torchscript", arguments.allow_torchscript,
                   "Run a TorchScript archive: it is a program, which can read and write files");
}

Model load_whole_model(const ModelArguments& arguments) {
  using TorchScript = LoadModelOptions::TorchScript;
  return load_model(
      arguments.file,
      {.architecture = arguments.architecture,
       .torchscript = arguments.allow_torchscript ? TorchScript::allow : TorchScript::refuse});
}

at::Tensor load_tensor(const std::filesystem::path& path) {
  const Value value = load(path);
  if (value.is_tensor()) return to_torch(value.as_tensor());
  if (value.is_dict() && value.size() == 1) {
    const Value& only = value.as_dict().begin()->second;
    if (only.is_tensor()) return to_torch(only.as_tensor());
  }
  fail_at(ErrorCode::mismatch, {.path = path.string()}, "save the input alone",
          "not one tensor but {}",
          value.is_dict() ? fmt::format("a dict of {} entries", value.size())
                          : fmt::format("a {}", name(value.kind())));
}

}  // namespace torchkeep::cli
