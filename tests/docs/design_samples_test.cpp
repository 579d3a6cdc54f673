// The samples of the design document, as a user would write them, in one program.
#include <filesystem>
#include <string>

#include <torchkeep/torchkeep.h>

#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/optim/adam.h>

#include "models/layers.h"
#include "support/temporary_directory.h"

namespace tk = torchkeep;

namespace {

// Runs in a directory of its own, so that the samples can use plain file names.
class DesignSamples : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::current_path(directory_.path()); }
  void TearDown() override { std::filesystem::current_path(before_); }

 private:
  std::filesystem::path before_ = std::filesystem::current_path();
  tk::testing::TemporaryDirectory directory_;
};

TEST_F(DesignSamples, KeepParametersOnly) {
  const tk::Model model = tk::models::tiny_vgg();

  tk::save(tk::state_dict(*model), "model.pt");
  tk::load_state_dict(*model, tk::load("model.pt"));
}

TEST_F(DesignSamples, KeepACheckpointByHand) {
  const tk::Model model = tk::models::tiny_vgg();
  torch::optim::Adam optimizer(model->parameters());
  const int trained_epoch = 3;
  const double loss = 0.25;
  std::filesystem::create_directory("saved");

  {
    const int epoch = trained_epoch;
    tk::save(tk::dict({{"epoch", epoch},
                       {"model_state_dict", tk::state_dict(*model)},
                       {"optimizer_state_dict", tk::state_dict(optimizer, *model)},
                       {"loss", loss}}),
             "saved/checkpoint.pt");
  }
  auto checkpoint = tk::load("saved/checkpoint.pt");
  tk::load_state_dict(*model, checkpoint["model_state_dict"]);
  tk::load_state_dict(optimizer, *model, checkpoint["optimizer_state_dict"]);
  int epoch = static_cast<int>(checkpoint["epoch"].as_int());
  EXPECT_EQ(epoch, trained_epoch);
}

TEST_F(DesignSamples, HaveCheckpointsManaged) {
  tk::CheckpointManager manager(
      "saved", {.filename = "checkpoint_model_{epoch}_{val_loss:.4f}_{val_acc:.4f}",
                .monitor = "val_loss",
                .mode = tk::Mode::min,
                .save_top_k = 3,
                .save_last = true});
  tk::EarlyStopping stopping({.monitor = "val_loss", .patience = 5});

  const auto path = manager.save(tk::dict({{"epoch", 1}}), {{"val_loss", 0.25}, {"val_acc", 0.5}});
  ASSERT_TRUE(path.has_value());
  EXPECT_EQ(path->filename(), "checkpoint_model_1_0.2500_0.5000.pt");
}

TEST_F(DesignSamples, KeepAWholeModel) {
  const tk::Model model = tk::models::tiny_vgg();
  const torch::Tensor x = at::rand({2, 1, 28, 28});

  tk::save_model(model, "model.pt");
  tk::Model again = tk::load_model("model.pt");
  torch::Tensor y = again.forward(x);
  EXPECT_EQ(y.sizes(), (std::vector<std::int64_t>{2, 10}));
}

// In place of the download: zeros in the form of VGG16. Each tensor is one element, repeated.
void write_vgg16_weights(const std::string& path) {
  const tk::SkipInitialisation skip;
  tk::StateDict weights;
  for (const tk::TensorForm& form : tk::state_dict_form(*tk::create_model("vgg16"))) {
    weights.set(form.name, tk::from_torch(at::zeros({1}).expand(form.shape)));
  }
  tk::save(weights, path);
}

TEST_F(DesignSamples, Transfer) {
  write_vgg16_weights("vgg16.pth");

  auto vgg = tk::models::vgg16({.weights = "vgg16.pth"});
  tk::replace_head(*vgg, /*num_classes=*/2);
  tk::freeze(*vgg, "features.*");

  EXPECT_EQ(tk::frozen_parameters(*vgg).size(), 26U);
  EXPECT_EQ(vgg.forward(at::rand({1, 3, 32, 32})).size(1), 2);
}

}  // namespace
