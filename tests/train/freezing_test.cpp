// Trainings of which a part is frozen.
#include <cmath>
#include <vector>

#include <torchkeep/convert.h>
#include <torchkeep/fine_tune.h>
#include <torchkeep/load.h>
#include <torchkeep/trainer.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/optim/sgd.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "train/training_fixture.h"

namespace torchkeep {
namespace freezing_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_optimizer;
using testing::OptimizerKind;
using testing::same_parameters;
using testing::small_data;
using testing::small_net;
using Kernels = FrozenBackboneOptions::Kernels;

TrainerOptions options_for(const std::filesystem::path& directory, int epochs) {
  return {.epochs = epochs,
          .directory = directory,
          .checkpoints = {.monitor = "val_loss", .save_top_k = std::nullopt},
          .early_stopping = std::nullopt,
          .at_the_end = TrainerOptions::AtTheEnd::keep_last};
}

std::unique_ptr<torch::optim::Optimizer> optimizer_of(const Model& model,
                                                      const std::vector<UnfreezeStep>& unfreeze) {
  const auto groups = parameter_groups(*model, {.unfreeze = unfreeze});
  return std::make_unique<torch::optim::SGD>(groups.front().parameters,
                                             torch::optim::SGDOptions(0.05).momentum(0.9));
}

struct Trained {
  Model model;
  FitResult result;
};

Trained train_frozen(const std::optional<FrozenBackboneOptions>& backbone) {
  const testing::TemporaryDirectory directory;
  const Model model = small_net();
  freeze(*model, "features");
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  at::manual_seed(7);
  TrainerOptions options = options_for(directory.path(), 3);
  options.frozen_backbone = backbone;
  const FitResult result = Trainer(model, *optimizer, options).fit(data.training, &data.validation);
  return {model, result};
}

TEST(TrainerWithAFrozenFront, LearnsTheSameToTheBitWithExactKernels) {
  const Trained plain = train_frozen(std::nullopt);
  const Trained exact = train_frozen(FrozenBackboneOptions{.kernels = Kernels::exact});
  EXPECT_EQ(exact.result.last_metrics, plain.result.last_metrics);
  EXPECT_TRUE(same_parameters(exact.model, plain.model));
}

TEST(TrainerWithAFrozenFront, LearnsTheSameBesidesRoundingWithCompiledKernels) {
  const Trained plain = train_frozen(std::nullopt);
  const Trained compiled = train_frozen(FrozenBackboneOptions{});
  for (const char* loss : {"train_loss", "val_loss"}) {
    EXPECT_NEAR(compiled.result.last_metrics.at(loss), plain.result.last_metrics.at(loss), 1e-4);
  }
}

TEST(TrainerWithAFrozenFront, StopsAndNamesWhatMovedAlthoughItIsFrozen) {
  const testing::TemporaryDirectory directory;
  const Model model = small_net();
  freeze(*model, "features");
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  TrainerOptions options = options_for(directory.path(), 2);
  options.loss = [&](const at::Tensor& output, const at::Tensor& labels) {
    const at::NoGradGuard no_gradients;
    model->named_parameters()["features.3.weight"].add_(1e-3);
    const at::AutoGradMode gradients(true);
    return cross_entropy()(output, labels);
  };
  Trainer trainer(model, *optimizer, options);
  EXPECT_ERROR(trainer.fit(data.training, &data.validation), ErrorCode::mismatch,
               HasSubstr("features.3.weight: it is frozen and has moved"));
  EXPECT_TRUE(trainer.checkpoints().list().empty());
}

TEST(TrainerThatUnfreezes, DoesItBeforeTheEpochAndAfterAResumeToTheBit) {
  const std::vector<UnfreezeStep> unfreeze = {{1, {"features.3"}}, {2, {"features.*"}}};
  const testing::TemporaryDirectory straight_run;
  const testing::TemporaryDirectory resumed_run;
  const auto start = [&](const Model& model) {
    freeze(*model, "features");
    return optimizer_of(model, unfreeze);
  };
  const Model straight = small_net();
  const auto straight_optimizer = start(straight);
  auto data = small_data();
  at::manual_seed(7);
  TrainerOptions options = options_for(straight_run.path(), 4);
  options.unfreeze = unfreeze;
  Trainer(straight, *straight_optimizer, options).fit(data.training, &data.validation);
  EXPECT_TRUE(frozen_parameters(*straight).empty());

  const Model model = small_net();
  const auto optimizer = start(model);
  auto first_data = small_data();
  at::manual_seed(7);
  options.directory = resumed_run.path();
  options.epochs = 2;
  Trainer(model, *optimizer, options).fit(first_data.training, &first_data.validation);
  EXPECT_THAT(frozen_parameters(*model), ElementsAre("features.0.weight", "features.0.bias",
                                                     "features.1.weight", "features.1.bias"));

  const FoundCheckpoint found = load_last_checkpoint(resumed_run.path());
  EXPECT_EQ(unfreeze_steps(found.value).at(1).epoch, 2);
  EXPECT_THAT(unfreeze_steps(found.value).at(1).globs, ElementsAre("features.*"));
  const Model resumed = model_from_checkpoint(found.value);
  const auto resumed_optimizer = optimizer_of(resumed, unfreeze_steps(found.value));
  auto resumed_data = small_data();
  Trainer trainer(resumed, *resumed_optimizer, options_for(resumed_run.path(), 4));
  trainer.resume(found.value, found.info.path, resumed_data.training);
  trainer.fit(resumed_data.training, &resumed_data.validation);
  EXPECT_TRUE(same_parameters(resumed, straight));
}

TEST(TrainerThatUnfreezes, RefusesAnOptimizerWithoutTheParameters) {
  const testing::TemporaryDirectory directory;
  const Model model = small_net();
  freeze(*model, "features");
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  TrainerOptions options = options_for(directory.path(), 2);
  options.unfreeze = {{1, {"features.3"}}};
  EXPECT_ERROR(Trainer(model, *optimizer, options).fit(data.training, &data.validation),
               ErrorCode::invalid_argument, HasSubstr("features.3.weight: it is to be unfrozen"));
}

TEST(TrainerInBfloat16, LearnsAndKeepsItsParametersInFloat32) {
  const testing::TemporaryDirectory directory;
  const Model model = small_net();
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  TrainerOptions options = options_for(directory.path(), 4);
  options.precision = TrainerOptions::Precision::bfloat16;
  const FitResult result = Trainer(model, *optimizer, options).fit(data.training, &data.validation);
  EXPECT_LT(result.last_metrics.at("train_loss"), std::log(3.0) * 1.1);
  for (const at::Tensor& parameter : model->parameters()) {
    EXPECT_EQ(parameter.scalar_type(), at::kFloat);
  }
}

}  // namespace freezing_test
}  // namespace torchkeep
