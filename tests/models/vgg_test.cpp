// The numbers themselves are compared with torchvision's in tests/interop.
#include <functional>

#include <torchkeep/models.h>
#include <torchkeep/module.h>

#include <ATen/ops/empty.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>

#include "models/layers.h"

namespace torchkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

using VggFunction = Model (*)(const models::ModelOptions&);

struct VggForm {
  std::string architecture;
  VggFunction build;
  std::vector<int> convolutions;  // places in `features`
  int batch_norm_after;           // 1 where a batch norm follows each convolution, else 0
};

// Written down from torchvision's models.
const std::vector<VggForm>& vgg_forms() {
  static const std::vector<VggForm> forms = {
      {"vgg11", models::vgg11, {0, 3, 6, 8, 11, 13, 16, 18}, 0},
      {"vgg11_bn", models::vgg11_bn, {0, 4, 8, 11, 15, 18, 22, 25}, 1},
      {"vgg13", models::vgg13, {0, 2, 5, 7, 10, 12, 15, 17, 20, 22}, 0},
      {"vgg13_bn", models::vgg13_bn, {0, 3, 7, 10, 14, 17, 21, 24, 28, 31}, 1},
      {"vgg16", models::vgg16, {0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28}, 0},
      {"vgg16_bn", models::vgg16_bn, {0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40}, 1},
      {"vgg19", models::vgg19, {0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34}, 0},
      {"vgg19_bn",
       models::vgg19_bn,
       {0, 3, 7, 10, 14, 17, 20, 23, 27, 30, 33, 36, 40, 43, 46, 49},
       1},
  };
  return forms;
}

std::vector<std::string> expected_names(const VggForm& form) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& layer, const std::vector<std::string>& tensors) {
    for (const std::string& tensor : tensors) names.push_back(layer + "." + tensor);
  };
  for (const int place : form.convolutions) {
    add("features." + std::to_string(place), {"weight", "bias"});
    if (form.batch_norm_after) {
      add("features." + std::to_string(place + 1),
          {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"});
    }
  }
  for (const int place : {0, 3, 6}) {
    add("classifier." + std::to_string(place), {"weight", "bias"});
  }
  return names;
}

TEST(Vgg, HasTheNamesOfTorchvision) {
  const SkipInitialisation skip;
  for (const VggForm& form : vgg_forms()) {
    const Model model = form.build({});
    std::vector<std::string> names;
    for (const TensorForm& tensor : state_dict_form(*model)) names.push_back(tensor.name);
    EXPECT_THAT(names, ElementsAreArray(expected_names(form))) << form.architecture;
    EXPECT_EQ(model.architecture(), form.architecture);
    EXPECT_EQ(create_model(form.architecture).architecture(), form.architecture);
  }
}

TEST(Vgg, HasTheNumberOfParametersOfTorchvision) {
  const SkipInitialisation skip;
  const auto count = [](const Model& model) {
    std::int64_t elements = 0;
    for (const at::Tensor& parameter : model->parameters()) elements += parameter.numel();
    return elements;
  };
  EXPECT_EQ(count(models::vgg11({})), 132863336);
  EXPECT_EQ(count(models::vgg16_bn({})), 138365992);
  EXPECT_EQ(count(models::vgg19({})), 143667240);
}

TEST(Vgg, HasTheOptionsThatWereAskedFor) {
  const SkipInitialisation skip;
  const Model model = models::vgg11({.num_classes = 3, .dropout = 0.25, .in_channels = 1});
  EXPECT_TRUE(equal(model.configuration(),
                    dict({{"num_classes", 3}, {"dropout", 0.25}, {"in_channels", 1}})));
  const StateDict state = state_dict(*model);
  EXPECT_EQ(state["features.0.weight"].shape(), (Shape{64, 1, 3, 3}));
  EXPECT_EQ(state["classifier.6.weight"].shape(), (Shape{3, 4096}));
}

}  // namespace
}  // namespace torchkeep
