#include <memory>

#include <torchkeep/batch_source.h>
#include <torchkeep/convert.h>
#include <torchkeep/save.h>

#include <c10/core/GradMode.h>

#include "cli/commands.h"
#include "cli/image_options.h"
#include "cli/model_file.h"

namespace torchkeep::cli {
namespace run_detail {

struct RunArguments {
  ModelArguments model;
  std::filesystem::path input;
  std::filesystem::path output;
  std::string device = "cpu";
  bool preprocess = false;
};

// An image as a batch of one.
at::Tensor load_image(const std::filesystem::path& path, const Model& model) {
  const Dataset image = list_images({path});
  const Preprocessing preprocessing = choose_preprocessing({}, model, image);
  BatchSource batches(image, {.preprocessing = preprocessing, .workers = 1});
  Batch batch;
  batches.next(batch);
  return batch.images;
}

ExitStatus run(const RunArguments& arguments) {
  const at::Device device(arguments.device);
  const Model model = load_whole_model(arguments.model);
  model.to(device);
  model.eval();
  const c10::NoGradGuard no_grad;
  const at::Tensor input =
      arguments.preprocess ? load_image(arguments.input, model) : load_tensor(arguments.input);
  const at::Tensor result = model.forward(input.to(device));
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
                                       "torchkeep run weights.pt images.pt --arch vgg16 -o out.pt\n"
                                       "torchkeep run model.pt photo.jpg --preprocess -o out.pt"},
                          [arguments] { return run_detail::run(*arguments); });
  add_model_options(command, arguments->model);
  command
      .add_option("INPUT", arguments->input,
                  "The input, one tensor: .npy, .pt or .safetensors; or an image")
      ->required();
  command.add_option("-o,--output", arguments->output, "The file to write, by its extension")
      ->required();
  command.add_flag("--preprocess", arguments->preprocess,
                   "The input is a JPEG, PNG or WebP image, to be prepared as the model wants it");
  command.add_option("--device", arguments->device, "Where to compute, such as cuda:0")
      ->capture_default_str();
}

}  // namespace torchkeep::cli
