#include <algorithm>
#include <cmath>
#include <fstream>

#include <torchkeep/freeze.h>
#include <torchkeep/load.h>
#include <torchkeep/module.h>
#include <torchkeep/optimizer.h>
#include <torchkeep/random_state.h>
#include <torchkeep/trainer.h>

#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"
#include "train/training_fixture.h"

namespace torchkeep {
namespace trainer_test {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::make_optimizer;
using testing::OptimizerKind;
using testing::same_parameters;
using testing::small_data;
using testing::small_net;
using AtTheEnd = TrainerOptions::AtTheEnd;

// The process dies at the end of an epoch, before the next one.
struct Killed {};
class KillAfter : public TrainingObserver {
 public:
  explicit KillAfter(int epoch) : epoch_(epoch) {}
  void on_batch(int epoch, std::int64_t batch, std::int64_t, double) override {
    if (epoch == epoch_ + 1 && batch == 1) throw Killed();
  }

 private:
  int epoch_;
};

class TrainerTest : public ::testing::Test {
 protected:
  static TrainerOptions options_for(const fs::path& directory, int epochs) {
    return {.epochs = epochs,
            .directory = directory,
            .checkpoints = {.filename = "{epoch}_{val_loss:.4f}",
                            .monitor = "val_loss",
                            .save_top_k = std::nullopt},
            .early_stopping = EarlyStoppingOptions{.patience = 100},
            .at_the_end = AtTheEnd::keep_last};
  }

  // Parameters and buffers of the features, copied.
  static StateDict features_of(const Model& model) {
    StateDict copy;
    for (const auto& [name, tensor] : state_dict(model.module())) {
      if (name.starts_with("features.")) copy.set(name, tensor.contiguous());
    }
    return copy;
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(TrainerTest, LearnsAndSaysSo) {
  const Model model = small_net();
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  Trainer trainer(model, *optimizer, options_for(directory_.path(), 8));
  const FitResult result = trainer.fit(data.training, &data.validation);
  EXPECT_EQ(result.epochs, 8);
  EXPECT_GT(result.last_metrics.at("val_acc"), 0.6);
  EXPECT_LT(result.last_metrics.at("val_loss"), std::log(3.0));
  EXPECT_EQ(trainer.checkpoints().list().size(), 8U);
  EXPECT_EQ(evaluate(model, data.validation).at("loss"), result.last_metrics.at("val_loss"));
  const std::string log = testing::file_content(directory_ / "metrics.jsonl");
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 8);
}

TEST_F(TrainerTest, AResumedTrainingIsTheUninterruptedOneToTheBit) {
  for (const OptimizerKind kind : {OptimizerKind::sgd_with_momentum, OptimizerKind::adam}) {
    const testing::TemporaryDirectory straight_run;
    const testing::TemporaryDirectory resumed_run;
    const Model straight = small_net();
    const auto straight_optimizer = make_optimizer(kind, straight);
    auto data = small_data();
    at::manual_seed(99);
    Trainer(straight, *straight_optimizer, options_for(straight_run.path(), 6))
        .fit(data.training, &data.validation);
    const Tensor random_after = random_state();

    {
      const Model model = small_net();
      const auto optimizer = make_optimizer(kind, model);
      auto fresh = small_data();
      at::manual_seed(99);
      KillAfter killer(2);
      EXPECT_THROW(Trainer(model, *optimizer, options_for(resumed_run.path(), 6))
                       .fit(fresh.training, &fresh.validation, &killer),
                   Killed);
    }
    at::manual_seed(12345);  // another process starts elsewhere
    const FoundCheckpoint found = load_last_checkpoint(resumed_run.path());
    EXPECT_EQ(found.info.epoch, 2);
    const Model resumed = model_from_checkpoint(found.value);
    const auto resumed_optimizer = make_optimizer(kind, resumed);
    auto fresh = small_data();
    Trainer trainer(resumed, *resumed_optimizer, options_for(resumed_run.path(), 6));
    trainer.resume(found.value, found.info.path, fresh.training);
    const FitResult result = trainer.fit(fresh.training, &fresh.validation);

    EXPECT_EQ(result.epochs, 6);
    EXPECT_TRUE(same_parameters(resumed, straight));
    EXPECT_TRUE(equal(state_dict(*resumed_optimizer, resumed.module()),
                      state_dict(*straight_optimizer, straight.module())));
    EXPECT_TRUE(equal(random_state(), random_after));
    for (const auto& entry : fs::directory_iterator(straight_run.path())) {
      const std::string file = entry.path().filename().string();
      EXPECT_EQ(testing::file_content(entry.path()), testing::file_content(resumed_run / file))
          << file;
    }
  }
}

TEST_F(TrainerTest, RestoresTheBestAtTheEnd) {
  const Model model = small_net();
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  auto options = options_for(directory_.path(), 6);
  options.at_the_end = AtTheEnd::restore_best;
  const FitResult result = Trainer(model, *optimizer, options).fit(data.training, &data.validation);
  ASSERT_TRUE(result.best.has_value());
  EXPECT_EQ(evaluate(model, data.validation).at("loss"), result.best->metrics.at("val_loss"));
  EXPECT_TRUE(same_parameters(model, model_from_checkpoint(load(result.best->path))));
}

TEST_F(TrainerTest, StopsEarlyAndSaysWhy) {
  class Listener : public TrainingObserver {
   public:
    void on_stop(const StopDecision& decision) override { stopped = decision; }
    StopDecision stopped;
  };
  const Model model = small_net();
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  auto options = options_for(directory_.path(), 50);
  options.early_stopping = EarlyStoppingOptions{.patience = 2, .min_delta = 10.0};
  Listener listener;
  Trainer trainer(model, *optimizer, options);
  const FitResult result = trainer.fit(data.training, &data.validation, &listener);
  EXPECT_EQ(result.epochs, 3);
  EXPECT_EQ(result.stop.reason, StopReason::patience_exhausted);
  EXPECT_EQ(listener.stopped.message, result.stop.message);
}

TEST_F(TrainerTest, ATrainingThatHasStoppedIsNotGoneOnWith) {
  auto options = options_for(directory_.path(), 50);
  options.early_stopping = EarlyStoppingOptions{.patience = 1, .min_delta = 10.0};
  {
    const Model model = small_net();
    const auto optimizer = make_optimizer(OptimizerKind::adam, model);
    auto data = small_data();
    Trainer(model, *optimizer, options).fit(data.training, &data.validation);
  }
  const FoundCheckpoint found = load_last_checkpoint(directory_.path());
  const Model model = model_from_checkpoint(found.value);
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  Trainer trainer(model, *optimizer, options);
  trainer.resume(found.value, found.info.path, data.training);
  const FitResult result = trainer.fit(data.training, &data.validation);
  EXPECT_EQ(result.epochs, 2);
  EXPECT_EQ(result.stop.reason, StopReason::patience_exhausted);
  EXPECT_TRUE(result.last_metrics.empty());
}

TEST_F(TrainerTest, ALossThatIsNotFiniteStopsAndLeavesNoCheckpoint) {
  const Model model = small_net();
  const auto optimizer = make_optimizer(OptimizerKind::sgd_with_momentum, model);
  auto data = small_data();
  auto options = options_for(directory_.path(), 10);
  options.at_the_end = AtTheEnd::restore_best;
  int calls = 0;
  options.loss = [&calls](const at::Tensor& output, const at::Tensor& labels) {
    const at::Tensor loss = at::cross_entropy_loss(output, labels);
    return ++calls > 20 ? loss * NAN : loss;  // in the third epoch
  };
  Trainer trainer(model, *optimizer, options);
  const FitResult result = trainer.fit(data.training, &data.validation);
  EXPECT_EQ(result.stop.reason, StopReason::non_finite_metric);
  for (const CheckpointInfo& info : trainer.checkpoints().list()) {
    EXPECT_TRUE(std::isfinite(info.metrics.at("val_loss")));
  }
  for (const at::Tensor& parameter : model->parameters()) {
    EXPECT_TRUE(at::isfinite(parameter).all().item<bool>());
  }
}

TEST_F(TrainerTest, WhatIsFrozenDoesNotMoveNeitherAfterAResume) {
  const Model model = small_net();
  freeze(*model, "features.*");
  const Value before = features_of(model);
  {
    const auto optimizer = make_optimizer(OptimizerKind::adam, model);
    auto data = small_data();
    Trainer(model, *optimizer, options_for(directory_.path(), 2))
        .fit(data.training, &data.validation);
  }
  EXPECT_TRUE(equal(features_of(model), before));
  const FoundCheckpoint found = load_last_checkpoint(directory_.path());
  const Model resumed = model_from_checkpoint(found.value);
  EXPECT_EQ(frozen_parameters(*resumed), frozen_parameters(*model));
  const auto optimizer = make_optimizer(OptimizerKind::adam, resumed);
  auto data = small_data();
  Trainer trainer(resumed, *optimizer, options_for(directory_.path(), 4));
  trainer.resume(found.value, found.info.path, data.training);
  trainer.fit(data.training, &data.validation);
  EXPECT_TRUE(equal(features_of(resumed), before));
}

TEST_F(TrainerTest, AMetricThatThereWillNotBeIsAnErrorBeforeTheFirstEpoch) {
  const Model model = small_net();
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  Trainer without_validation(model, *optimizer, options_for(directory_.path(), 1));
  EXPECT_ERROR(without_validation.fit(data.training, nullptr), ErrorCode::not_found,
               AllOf(HasSubstr("val_loss"), HasSubstr("train_acc, train_loss")));
  auto options = options_for(directory_.path(), 1);
  options.checkpoints.filename = "{val_f1}";
  Trainer unknown_field(model, *optimizer, options);
  EXPECT_ERROR(unknown_field.fit(data.training, &data.validation), ErrorCode::not_found,
               HasSubstr("val_f1"));
  EXPECT_FALSE(fs::exists(directory_ / "metrics.jsonl"));
}

TEST_F(TrainerTest, TrainsWithoutValidation) {
  const Model model = small_net();
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  Trainer trainer(model, *optimizer,
                  {.epochs = 2,
                   .directory = directory_.path(),
                   .checkpoints = {.monitor = "train_loss"},
                   .early_stopping = std::nullopt});
  const FitResult result = trainer.fit(data.training, nullptr);
  EXPECT_FALSE(result.last_metrics.contains("val_loss"));
  EXPECT_FALSE(result.stop.stop);
}

TEST_F(TrainerTest, EvaluatingChangesNothingAndTakesASingleOutputAsTwoClasses) {
  const Model model = small_net();
  auto data = small_data();
  const Tensor random_before = random_state();
  const Metrics once = evaluate(model, data.validation);
  EXPECT_EQ(evaluate(model, data.validation), once);
  EXPECT_TRUE(equal(random_state(), random_before));
  const Model single = small_net(1);
  BatchSource two_classes(select_classes(data.validation.dataset(), {0, 1}));
  const Metrics metrics =
      evaluate(single, two_classes, [](const at::Tensor& output, const at::Tensor& labels) {
        return at::binary_cross_entropy_with_logits(output.squeeze(1), labels.to(at::kFloat));
      });
  EXPECT_GE(metrics.at("acc"), 0.0);
  EXPECT_LE(metrics.at("acc"), 1.0);
}

// Counts what it is told of.
class Told : public TrainingObserver {
 public:
  std::vector<int> epochs;
  void on_checkpoint(const CheckpointInfo& checkpoint) override {
    EXPECT_TRUE(fs::exists(checkpoint.path));
    epochs.push_back(checkpoint.epoch);
  }
};

TEST_F(TrainerTest, TellsOfSavesInTheBackgroundOnceTheyHaveEnded) {
  const testing::TemporaryDirectory directory;
  TrainerOptions options = options_for(directory.path(), 3);
  options.checkpoints.saving = CheckpointManagerOptions::Saving::in_background;
  const Model model = small_net();
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  Trainer trainer(model, *optimizer, options);
  Told told;
  const FitResult result = trainer.fit(data.training, &data.validation, &told);
  EXPECT_THAT(told.epochs, ::testing::ElementsAre(0, 1, 2));
  EXPECT_TRUE(result.best.has_value());
  EXPECT_EQ(list_checkpoints(directory.path()).size(), 3U);
}

TEST_F(TrainerTest, AnAverageIsMeasuredAndCanDecide) {
  const testing::TemporaryDirectory directory;
  TrainerOptions options = options_for(directory.path(), 2);
  options.ema_decay = 0.5;
  options.checkpoints.monitor = "ema_val_loss";
  const Model model = small_net();
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  Trainer trainer(model, *optimizer, options);
  const FitResult result = trainer.fit(data.training, &data.validation);
  const Value saved = load(list_checkpoints(directory.path()).back().path);
  EXPECT_TRUE(equal(saved["ema_state_dict"], Value(trainer.ema()->state_dict())));
  EXPECT_TRUE(equal(saved["model_state_dict"], Value(state_dict(*model))));
  const Model averaged = small_net();
  load_state_dict(*averaged, saved["ema_state_dict"]);
  EXPECT_EQ(evaluate(averaged, data.validation).at("loss"), result.last_metrics.at("ema_val_loss"));
  EXPECT_NE(result.last_metrics.at("val_loss"), result.last_metrics.at("ema_val_loss"));
}

}  // namespace trainer_test
}  // namespace torchkeep
