#include <memory>

#include <torchkeep/convert.h>
#include <torchkeep/save.h>

#include <c10/core/GradMode.h>

#include "cli/commands.h"
#include "cli/model_file.h"

namespace torchkeep::cli {
namespace run_detail {

struct RunArguments {
  ModelArguments model;
  std::filesystem::path input;
  std::filesystem::path output;
  std::string device = "cpu";
};

ExitStatus run(const RunArguments& arguments) {
  const at::Device device(arguments.device);
  const Model model = load_whole_model(arguments.model);
  model.to(device);
  model.eval();
  const c10::NoGradGuard no_grad;
  const at::Tensor result = model.forward(load_tensor(arguments.input).to(device));
  save(Value(result.contiguous()), arguments.output);
  return ExitStatus::done;
}

}  // namespace run_detail

void add_run_command(Program& program) {
  const auto arguments = std::make_shared<run_detail::RunArguments>();
  CLI::App& command =
      program.add_command({.name = "run",
                           .summary = "Compute what a whole model gives for a tensor",
                           .examples = "torchkeep run model.pt images.npy -o scores.npy\n"
                                       "torchkeep run weights.pt images.pt --arch vgg16 -o out.pt"},
                          [arguments] { return run_detail::run(*arguments); });
  add_model_options(command, arguments->model);
  command.add_option("INPUT", arguments->input, "The input, one tensor: .npy, .pt or .safetensors")
      ->required();
  command.add_option("-o,--output", arguments->output, "The file to write, by its extension")
      ->required();
  command.add_option("--device", arguments->device, "Where to compute, such as cuda:0")
      ->capture_default_str();
}

}  // namespace torchkeep::cli
