#include <torchkeep/checkpoint.h>
#include <torchkeep/freeze.h>
#include <torchkeep/load.h>
#include <torchkeep/match.h>
#include <torchkeep/module.h>
#include <torchkeep/optimizer.h>
#include <torchkeep/random_state.h>
#include <torchkeep/save.h>

#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "train/training_fixture.h"

namespace torchkeep {
namespace checkpoint_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_optimizer;
using testing::OptimizerKind;
using testing::same_parameters;
using testing::small_net;

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() {
    auto data = testing::small_data();
    Batch batch;
    while (data.training.next(batch)) {
      optimizer_->zero_grad();
      at::cross_entropy_loss(model_.forward(batch.images), batch.labels).backward();
      optimizer_->step();
    }
    stopping_.check({{"val_loss", 0.5}}, 3);
    torchkeep::save(make_checkpoint({.model = model_,
                                     .optimizer = optimizer_.get(),
                                     .epoch = 3,
                                     .step = 40,
                                     .loss = 0.75,
                                     .metrics = {{"val_loss", 0.5}},
                                     .sampler_state = data.training.state_dict(),
                                     .hyper_parameters = dict({{"lr", 0.01}}),
                                     .early_stopping = &stopping_}),
                    path_);
    checkpoint_ = load(path_);
  }

  testing::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "checkpoint.pt";
  Model model_ = small_net();
  std::unique_ptr<torch::optim::Optimizer> optimizer_ = make_optimizer(OptimizerKind::adam, model_);
  EarlyStopping stopping_;
  Value checkpoint_;
};

TEST_F(CheckpointTest, HasTheKeysThatPyTorchUsersKnow) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : checkpoint_.as_dict()) keys.push_back(key.as_string());
  EXPECT_THAT(keys, ElementsAre("epoch", "global_step", "model_state_dict", "ema_state_dict",
                                "optimizer_state_dict", "scheduler_state_dict", "loss", "metrics",
                                "rng_state", "sampler_state", "epoch_progress", "callbacks",
                                "freeze_plan", "hyper_parameters", "lineage", "architecture",
                                "configuration", "versions", "version"));
  EXPECT_EQ(checkpoint_["epoch"].as_int(), 3);
  EXPECT_EQ(checkpoint_["loss"].as_double(), 0.75);
  EXPECT_TRUE(equal(checkpoint_["rng_state"].as_tensor(), random_state()));
}

TEST_F(CheckpointTest, GivesTheModelBack) {
  const Model model = model_from_checkpoint(checkpoint_);
  EXPECT_TRUE(same_parameters(model, model_));
  EXPECT_EQ(model.architecture(), model_.architecture());
}

TEST_F(CheckpointTest, GivesTheFrozenSetBack) {
  freeze(*model_, "features.0.*");
  const Model model = model_from_checkpoint(make_checkpoint({.model = model_}));
  EXPECT_THAT(frozen_parameters(*model), ElementsAre("features.0.weight", "features.0.bias"));
}

TEST_F(CheckpointTest, RestoresEverything) {
  const Model model = small_net();
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  EarlyStopping stopping;
  at::manual_seed(1);
  const RestoredState restored = restore_checkpoint(
      checkpoint_, {.model = model, .optimizer = optimizer.get(), .early_stopping = &stopping});
  EXPECT_EQ(restored.epoch, 3);
  EXPECT_EQ(restored.step, 40);
  EXPECT_EQ(restored.loss, 0.75);
  EXPECT_EQ(restored.metrics.at("val_loss"), 0.5);
  EXPECT_EQ(restored.sampler_state["position"].as_int(), 48);
  EXPECT_EQ(restored.hyper_parameters["lr"].as_double(), 0.01);
  EXPECT_TRUE(same_parameters(model, model_));
  EXPECT_TRUE(equal(state_dict(*optimizer, *model), state_dict(*optimizer_, *model_)));
  EXPECT_EQ(stopping.best(), 0.5);
  EXPECT_TRUE(equal(random_state(), checkpoint_["rng_state"].as_tensor()));
}

// What a failed restore must not change.
struct Holding {
  Model model = small_net();
  std::unique_ptr<torch::optim::Optimizer> optimizer = make_optimizer(OptimizerKind::adam, model);
  EarlyStopping stopping;
};

void expect_untouched_after(const Value& checkpoint, ErrorCode code, const char* text) {
  Holding holding;
  const Tensor random_before = random_state();
  EXPECT_ERROR(restore_checkpoint(checkpoint, {.model = holding.model,
                                               .optimizer = holding.optimizer.get(),
                                               .early_stopping = &holding.stopping}),
               code, HasSubstr(text));
  EXPECT_TRUE(equal(random_state(), random_before));
  EXPECT_EQ(holding.stopping.best(), std::nullopt);
  const Holding fresh;
  EXPECT_TRUE(same_parameters(holding.model, fresh.model));
  EXPECT_TRUE(equal(state_dict(*holding.optimizer, *holding.model),
                    state_dict(*fresh.optimizer, *fresh.model)));
}

TEST_F(CheckpointTest, AFailedRestoreChangesNothing) {
  for (const char* key :
       {"epoch", "model_state_dict", "optimizer_state_dict", "rng_state", "callbacks"}) {
    Dict damaged = checkpoint_.as_dict();
    damaged.erase(key);
    expect_untouched_after(Value(std::move(damaged)), ErrorCode::not_found, key);
  }
  Dict other_model = checkpoint_.as_dict();
  other_model.set("model_state_dict", state_dict(*small_net(5)));
  expect_untouched_after(Value(std::move(other_model)), ErrorCode::mismatch, "classifier.2.weight");
  Dict other_random = checkpoint_.as_dict();
  other_random.set("rng_state", Tensor::of<std::uint8_t>({1, 2}, {2}));
  expect_untouched_after(Value(std::move(other_random)), ErrorCode::mismatch, "");
  Dict other_optimizer = checkpoint_.as_dict();
  const auto sgd = make_optimizer(OptimizerKind::sgd_with_momentum, model_);
  other_optimizer.set("optimizer_state_dict", state_dict(*sgd, *model_));
  expect_untouched_after(Value(std::move(other_optimizer)), ErrorCode::mismatch, "");
}

TEST_F(CheckpointTest, ANewerVersionIsRefused) {
  Dict newer = checkpoint_.as_dict();
  newer.set("version", 2);
  EXPECT_ERROR(model_from_checkpoint(Value(newer)), ErrorCode::unsupported, HasSubstr("version 2"));
}

}  // namespace checkpoint_test
}  // namespace torchkeep
