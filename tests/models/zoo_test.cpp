// Names, values and numbers are compared with torchvision's in tests/interop/zoo_test.py.
#include <set>

#include <torchkeep/error.h>
#include <torchkeep/freeze.h>
#include <torchkeep/hub.h>
#include <torchkeep/models.h>
#include <torchkeep/module.h>

#include <ATen/ops/rand.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include "models/classifier.h"
#include "models/head.h"
#include "models/layers.h"
#include "models/registered_net.h"
#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> names_with_shape(const Model& model, std::int64_t first_dimension) {
  std::vector<std::string> names;
  for (const TensorForm& tensor : state_dict_form(*model)) {
    if (!tensor.shape.empty() && tensor.shape[0] == first_dimension) names.push_back(tensor.name);
  }
  return names;
}

TEST(Zoo, HasEveryNameOnce) {
  std::set<std::string_view> names;
  for (const Architecture& architecture : zoo()) {
    EXPECT_TRUE(names.insert(architecture.name).second) << architecture.name;
  }
  EXPECT_GE(names.size(), 60U);
}

TEST(Zoo, ReplacesTheHeadsOfEveryModel) {
  constexpr std::int64_t kClasses = 7;
  const SkipInitialisation skip;
  for (const Architecture& architecture : zoo()) {
    const std::string name(architecture.name);
    const Model model = models::create(name);
    replace_head(*model, kClasses);
    std::vector<std::string> expected;
    for (const std::string& head : architecture.heads) {
      expected.push_back(head + ".weight");
      expected.push_back(head + ".bias");
    }
    EXPECT_THAT(names_with_shape(model, kClasses), ::testing::UnorderedElementsAreArray(expected))
        << name;
    EXPECT_EQ(model.configuration()["num_classes"].as_int(), kClasses) << name;
  }
}

TEST(Zoo, BuildsEveryModelAgainFromItsConfiguration) {
  const SkipInitialisation skip;
  for (const Architecture& architecture : zoo()) {
    const std::string name(architecture.name);
    const Model model = models::create(name, {.num_classes = 3, .in_channels = 2});
    EXPECT_EQ(state_dict_form(*model).front().shape[1], 2) << name;
    const Model again = create_model(name, model.configuration());
    EXPECT_TRUE(equal(again.configuration(), model.configuration())) << name;
    EXPECT_EQ(again->parameters().size(), model->parameters().size()) << name;
    const Value configuration = model.configuration();
    const Value* dropout = configuration.find("dropout");
    ASSERT_EQ(dropout != nullptr, architecture.defaults.dropout.has_value()) << name;
    if (dropout) {
      EXPECT_EQ(dropout->as_double(), *architecture.defaults.dropout) << name;
    }
  }
}

TEST(Zoo, GivesAScoreToEachClassWithAConvolutionAsHead) {
  const Model model = models::squeezenet1_1({.num_classes = 4});
  replace_head(*model, 3);
  model.eval();
  const torch::NoGradGuard no_grad;
  EXPECT_EQ(model.forward(at::rand({2, 3, 32, 32})).sizes(), (std::vector<std::int64_t>{2, 3}));
}

TEST(Zoo, AuxiliaryClassifiersSpeakInTrainingOnly) {
  const Model model = models::googlenet({.num_classes = 4});
  const at::Tensor x = at::rand({2, 3, 32, 32});
  const torch::NoGradGuard no_grad;
  model.train();
  EXPECT_EQ(models::forward_with_auxiliary(model, x).size(), 3U);
  EXPECT_EQ(model.forward(x).sizes(), (std::vector<std::int64_t>{2, 4}));
  model.eval();
  EXPECT_EQ(models::forward_with_auxiliary(model, x).size(), 1U);
  EXPECT_EQ(models::forward_with_auxiliary(models::tiny_vgg(), at::rand({2, 1, 28, 28})).size(),
            1U);
}

TEST(Zoo, LeavesAuxiliaryClassifiersOutWhenAsked) {
  const SkipInitialisation skip;
  const Model model = models::inception_v3({.aux_logits = false});
  EXPECT_FALSE(model->named_modules("", false).contains("AuxLogits"));
  EXPECT_FALSE(model.configuration()["aux_logits"].as_bool());
  model.train();
  EXPECT_EQ(models::googlenet({.aux_logits = false})->named_parameters().size(),
            models::googlenet()->named_parameters().size() - 14);
}

TEST(Zoo, TransformsInputsWhenAsked) {
  const Model plain = models::googlenet({.num_classes = 3, .aux_logits = false});
  const Model transforming =
      models::googlenet({.num_classes = 3, .aux_logits = false, .transform_input = true});
  load_state_dict(*transforming, state_dict(*plain));
  plain.eval();
  transforming.eval();
  const torch::NoGradGuard no_grad;
  const at::Tensor half = at::rand({1, 3, 32, 32});
  const at::Tensor mean = at::tensor({0.485, 0.456, 0.406}, at::kFloat).view({1, 3, 1, 1});
  const at::Tensor std = at::tensor({0.229, 0.224, 0.225}, at::kFloat).view({1, 3, 1, 1});
  const at::Tensor expected = plain.forward(half * 2 - 1);
  EXPECT_TRUE(expected.allclose(transforming.forward((half - mean) / std), 1e-4, 1e-6));
}

TEST(Zoo, WidthIsAFactorForAllChannels) {
  const SkipInitialisation skip;
  const auto parameters = [](const Model& model) { return model->parameters().at(0).size(0); };
  EXPECT_EQ(parameters(models::mobilenet_v1()), 32);
  EXPECT_EQ(parameters(models::mobilenet_v1_x0_25()), 8);
  EXPECT_EQ(parameters(models::mobilenet_v1({.width_mult = 0.5})), 16);
  EXPECT_EQ(parameters(models::mobilenet_v2({.width_mult = 2.0})), 64);
}

TEST(Zoo, SaysWhatIsWrongWithOptions) {
  EXPECT_ERROR(models::create("resnet21"), ErrorCode::not_found, HasSubstr("did you mean"));
  EXPECT_ERROR(models::resnet20({.dropout = 0.5}), ErrorCode::invalid_argument,
               HasSubstr("resnet20 has no option dropout"));
  EXPECT_ERROR(models::vgg11({.width_mult = 0.5}), ErrorCode::invalid_argument,
               HasSubstr("vgg11 has no option width_mult"));
  EXPECT_ERROR(models::mobilenet_v2({.width_mult = 0.0}), ErrorCode::invalid_argument,
               HasSubstr("width_mult must be above 0"));
  EXPECT_ERROR(models::convnext_tiny({.stochastic_depth_prob = 1.5}), ErrorCode::invalid_argument,
               HasSubstr("stochastic_depth_prob must be a probability from 0 to 1 (got 1.5)"));
  EXPECT_ERROR(models::googlenet({.in_channels = 1, .transform_input = true}),
               ErrorCode::invalid_argument, HasSubstr("transform_input needs 3 channels"));
  EXPECT_ERROR(create_model("resnet20", dict({{"aux_logits", true}})), ErrorCode::invalid_argument,
               HasSubstr("resnet20 has no option aux_logits"));
  testing::register_registered_net();
  EXPECT_ERROR(models::create("registered_net"), ErrorCode::invalid_argument,
               AllOf(HasSubstr("registered_net"), HasSubstr("create_model()")));
}

}  // namespace
}  // namespace torchkeep
