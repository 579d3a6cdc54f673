#include <memory>

#include <torchkeep/feature_cache.h>
#include <torchkeep/freeze.h>

#include <ATen/Parallel.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/number_checks.h"
#include "cli/output.h"
#include "cli/training_builder.h"
#include "cli/training_data.h"

namespace torchkeep::cli {
namespace features_detail {

struct FeaturesArguments {
  std::filesystem::path model;
  std::string architecture;
  std::string data;
  std::filesystem::path output;
  std::optional<std::int64_t> freeze_to;
  ImageOptions images;
  FeatureCacheOptions cache;
  std::string kernels = "compiled";
};

// What the file says is frozen, or all but the last stage.
void freeze_for_features(torch::nn::Module& module, const FeaturesArguments& arguments) {
  if (arguments.freeze_to || frozen_parameters(module).empty()) {
    freeze_to(module, arguments.freeze_to.value_or(-1));
  }
}

ExitStatus run_features(const FeaturesArguments& arguments) {
  at::set_num_threads(usable_processors());
  const LoadedModel loaded = load_model_of(arguments.model, arguments.architecture);
  freeze_for_features(loaded.model.module(), arguments);
  const Dataset dataset =
      without_broken(load_data(arguments.data, Split::train, {}), arguments.images);
  FeatureCacheOptions options = arguments.cache;
  options.preprocessing = choose_preprocessing(arguments.images, loaded.model, dataset);
  options.workers = static_cast<int>(arguments.images.workers);
  if (arguments.kernels == "exact") {
    options.backbone.kernels = FrozenBackboneOptions::Kernels::exact;
  }
  if (arguments.kernels == "bfloat16") {
    options.backbone.precision = FrozenBackboneOptions::Precision::bfloat16;
  }
  const CachedFeatures cached = cache_features(loaded.model, dataset, arguments.output, options);
  write_output(fmt::format("{}: features of {} images, shape {}; {} computed\n",
                           arguments.output.string(), dataset.size(),
                           to_string(cached.features.images.sizes().vec()), cached.computed));
  return ExitStatus::done;
}

}  // namespace features_detail

void add_features_command(Program& program) {
  const auto arguments = std::make_shared<features_detail::FeaturesArguments>();
  CLI::App& command = program.add_command(
      {.name = "features",
       .summary = "Write what the frozen part of a model makes of images, as safetensors",
       .examples = "torchkeep features runs/first --data photos -o features.safetensors\n"
                   "torchkeep features DEFAULT --arch resnet18 --data folder:photos/train -o "
                   "train.safetensors"},
      [arguments] { return features_detail::run_features(*arguments); });
  command
      .add_option("MODEL", arguments->model,
                  "Checkpoint or whole model, or the directory of a run (its best checkpoint)")
      ->required();
  command.add_option("--arch", arguments->architecture,
                     "The architecture of weights in a file or published under a name");
  command.add_option("--data", arguments->data, kDataHelp)->required();
  command
      .add_option("-o,--output", arguments->output,
                  "The file; features that it holds already are not computed again")
      ->required();
  command.add_option("--freeze-to", arguments->freeze_to,
                     "Features after so many stages; -1: before the last one, where the model says "
                     "nothing");
  add_image_options(command, arguments->images);
  command.add_option("--augment", arguments->cache.augmentation,
                     "Random changes, as train takes them");
  command.add_option("--views", arguments->cache.views, "Augmented views of each image")
      ->check(positive_number())
      ->capture_default_str();
  command.add_option("--seed", arguments->cache.seed, "Of the random changes")
      ->capture_default_str();
  command.add_option("--batch-size", arguments->cache.batch_size, "Images computed at once")
      ->check(positive_number())
      ->capture_default_str();
  command.add_option("--kernels", arguments->kernels, "How the model runs")
      ->check(CLI::IsMember({"compiled", "exact", "bfloat16"}))
      ->capture_default_str();
}

}  // namespace torchkeep::cli
