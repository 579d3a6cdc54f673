#include "cli/transfer_options.h"

#include <charconv>
#include <string_view>

#include <torch/nn/module.h>

#include "base/fail.h"
#include "cli/number_checks.h"

namespace torchkeep::cli {
namespace transfer_options_detail {

constexpr double kBackboneFactorOfRecipes = 0.1;

UnfreezeStep parse_step(const std::string& text) {
  const std::size_t colon = text.find(':');
  UnfreezeStep step;
  const char* const end = text.data() + std::min(colon, text.size());
  const auto [stopped, error] = std::from_chars(text.data(), end, step.epoch);
  if (colon == std::string::npos || error != std::errc() || stopped != end || step.epoch < 1 ||
      colon + 1 == text.size()) {
    fail(ErrorCode::invalid_argument,
         "\"{}\" does not say what to unfreeze when (expected such as 3:layer4, epochs count from "
         "0)",
         text);
  }
  step.globs = {text.substr(colon + 1)};
  return step;
}

CLI::Validator step_validator() {
  const auto check = [](const std::string& text) -> std::string {
    try {
      parse_step(text);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  return CLI::Validator(check, "EPOCH:GLOB");
}

Recipe recipe_of(const std::string& text) {
  for (const Recipe recipe : {Recipe::head, Recipe::head_then_all, Recipe::gradual}) {
    if (name(recipe) == text) return recipe;
  }
  fail(ErrorCode::invalid_argument, "no recipe \"{}\" (there are head, head-then-all and gradual)",
       text);
}

double backbone_factor(const TransferOptions& options) {
  if (options.backbone_lr_factor > 0.0) return options.backbone_lr_factor;
  return options.recipe.empty() ? 1.0 : kBackboneFactorOfRecipes;
}

FineTunePlan recipe_plan(const torch::nn::Module& module, const TransferOptions& options) {
  if (!options.freeze.empty() || options.freeze_to || !options.unfreeze.empty()) {
    fail_at(ErrorCode::invalid_argument, {}, "leave out one of them",
            "--recipe decides itself what is frozen; --freeze, --freeze-to and --unfreeze do, too");
  }
  return fine_tune(module, {.recipe = recipe_of(options.recipe),
                            .head_epochs = static_cast<int>(options.head_epochs),
                            .backbone_lr_factor = backbone_factor(options),
                            .layer_decay = options.layer_decay});
}

void add_freezing_options(CLI::App& command, TransferOptions& options) {
  command
      .add_option(
          "--freeze", options.freeze,
          "Parameters to leave as they are, such as 'features.*' or layer1; may be repeated")
      ->allow_extra_args(false);
  command.add_option("--freeze-to", options.freeze_to,
                     "Leave the first so many stages as they are; -1: all but the last");
  command
      .add_option("--unfreeze", options.unfreeze,
                  "Train these parameters from an epoch on, such as 3:layer4; may be repeated")
      ->allow_extra_args(false)
      ->check(step_validator());
  command
      .add_option("--recipe", options.recipe,
                  "Train the last stage only, then everything, or stage after stage from the back")
      ->check(CLI::IsMember({"head", "head-then-all", "gradual"}));
  command.add_option("--head-epochs", options.head_epochs, "Epochs between the steps of a recipe")
      ->check(positive_number())
      ->capture_default_str();
  command
      .add_option("--backbone-lr-factor", options.backbone_lr_factor,
                  "Times the learning rate for all but the last stage; with a recipe 0.1, else 1")
      ->check(positive_number());
  command
      .add_option("--layer-decay", options.layer_decay,
                  "Times the learning rate for each stage from the back to the front")
      ->check(positive_number())
      ->capture_default_str();
}

}  // namespace transfer_options_detail

void add_transfer_options(CLI::App& command, TransferOptions& options) {
  transfer_options_detail::add_freezing_options(command, options);
  command
      .add_option("--label-smoothing", options.label_smoothing,
                  "Weight of the right class that is spread over all")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--class-weights", options.class_weights, "How much images of a class count")
      ->check(CLI::IsMember({"equal", "balanced"}))
      ->capture_default_str();
  command
      .add_option("--precision", options.precision,
                  "Of what is trained; bfloat16 pays where the processor has it")
      ->check(CLI::IsMember({"float32", "bfloat16"}))
      ->capture_default_str();
  command
      .add_option("--frozen", options.frozen,
                  "How the frozen front of the model runs; exact: to the bit as the model; off: "
                  "with the rest")
      ->check(CLI::IsMember({"compiled", "exact", "bfloat16", "off"}))
      ->capture_default_str();
  command.add_option("--cache-features", options.cache_features,
                     "Directory in which to keep what the frozen front makes of each image");
  command
      .add_option("--feature-views", options.feature_views,
                  "Augmented views of each image that are kept")
      ->check(positive_number())
      ->capture_default_str();
}

void freeze_as_asked(torch::nn::Module& module, const TransferOptions& options) {
  namespace detail = transfer_options_detail;
  if (!options.recipe.empty()) {
    set_frozen_parameters(module, detail::recipe_plan(module, options).frozen);
    return;
  }
  if (options.freeze_to) freeze_to(module, *options.freeze_to);
  if (!options.freeze.empty()) freeze(module, options.freeze);
}

TransferPlan plan_transfer(const torch::nn::Module& module, const TransferOptions& options) {
  namespace detail = transfer_options_detail;
  TransferPlan plan;
  if (!options.recipe.empty()) {
    FineTunePlan recipe = detail::recipe_plan(module, options);
    plan = {std::move(recipe.groups), std::move(recipe.unfreeze)};
  } else {
    for (const std::string& text : options.unfreeze) {
      plan.unfreeze.push_back(detail::parse_step(text));
    }
    plan.groups = parameter_groups(module, {.unfreeze = plan.unfreeze,
                                            .backbone_lr_factor = detail::backbone_factor(options),
                                            .layer_decay = options.layer_decay});
  }
  if (!options.cache_features.empty() && !plan.unfreeze.empty()) {
    fail_at(ErrorCode::invalid_argument, {}, "leave out --cache-features",
            "features cannot be kept of layers that are unfrozen later");
  }
  return plan;
}

std::optional<FrozenBackboneOptions> frozen_backbone(const TransferOptions& options) {
  if (options.frozen == "off") return std::nullopt;
  FrozenBackboneOptions backbone;
  if (options.frozen == "exact") backbone.kernels = FrozenBackboneOptions::Kernels::exact;
  if (options.frozen == "bfloat16") backbone.precision = FrozenBackboneOptions::Precision::bfloat16;
  return backbone;
}

void set_transfer(TrainerOptions& trainer,
                  const TransferOptions& options,
                  const TransferPlan& plan,
                  const Dataset& training) {
  CrossEntropyOptions loss{.label_smoothing = options.label_smoothing};
  if (options.class_weights == "balanced") {
    loss.class_weights = balanced_class_weights(
        training.labels, static_cast<std::int64_t>(training.class_names.size()));
  }
  trainer.loss = cross_entropy(loss);
  trainer.unfreeze = plan.unfreeze;
  trainer.frozen_backbone = frozen_backbone(options);
  if (options.precision == "bfloat16") trainer.precision = TrainerOptions::Precision::bfloat16;
}

}  // namespace torchkeep::cli
