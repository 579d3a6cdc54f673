#include <string>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/freeze.h>
#include <torchkeep/frozen_backbone.h>
#include <torchkeep/models.h>
#include <torchkeep/module.h>
#include <torchkeep/random_state.h>

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace frozen_backbone_test {

using ::testing::HasSubstr;
using Kernels = FrozenBackboneOptions::Kernels;
using Precision = FrozenBackboneOptions::Precision;

const FrozenBackboneOptions kExact = {.kernels = Kernels::exact};

at::Tensor images(std::int64_t count = 2, std::int64_t size = 64) {
  torch::manual_seed(5);
  return at::randn({count, 3, size, size});
}

// Statistics of real activations: the signal goes through all layers.
void calibrate_batch_norms(const Model& model) {
  const at::NoGradGuard no_gradients;
  for (const auto& module : model->modules()) {
    if (auto* norm = module->as<torch::nn::BatchNorm2d>()) norm->options.momentum(0.9);
  }
  model.train();
  model.forward(images(4));
}

Model frozen_model(const std::string& name,
                   const std::vector<std::string>& frozen,
                   const models::ModelOptions& options = {.num_classes = 2}) {
  torch::manual_seed(4);
  Model model = models::create(name, options);
  calibrate_batch_norms(model);
  freeze(*model, frozen);
  model.train();
  return model;
}

double relative_error(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

struct Case {
  std::string model;
  std::vector<std::string> frozen;
  std::size_t folded;
  std::string kernels;
};

class FrozenBackboneOfZoo : public ::testing::TestWithParam<Case> {};

TEST_P(FrozenBackboneOfZoo, GivesTheFeaturesOfTheModel) {
  const Model model = frozen_model(GetParam().model, GetParam().frozen);
  FrozenBackbone exact(model, kExact);
  FrozenBackbone compiled(model);
  const at::Tensor x = images(3);
  const FrozenBackbone::Cut cut = compiled.cut(x.sizes().vec());
  EXPECT_EQ(cut.problem, "");
  EXPECT_EQ(cut.folded_batch_norms, GetParam().folded);
  EXPECT_EQ(cut.kernels, GetParam().kernels);
  const auto expected = exact.features(x);
  const auto features = compiled.features(x);
  ASSERT_EQ(features.size(), expected.size());
  for (std::size_t i = 0; i < features.size(); ++i) {
    EXPECT_FALSE(features[i].requires_grad());
    EXPECT_EQ(features[i].size(0), 3);
    EXPECT_LT(relative_error(features[i], expected[i]), 1e-5);
  }
  model.eval();
  const at::Tensor output = model.forward(x);
  EXPECT_TRUE(exact.forward(x).equal(output));
  EXPECT_LT(relative_error(compiled.forward(x), output), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(
    Models,
    FrozenBackboneOfZoo,
    ::testing::Values(Case{"vgg16", {"features.*"}, 0, "channels_last"},
                      Case{"vgg16_bn", {"features.*"}, 13, "channels_last"},
                      Case{"resnet18", {"[!f]*"}, 20, "oneDNN"},
                      Case{"mobilenet_v2", {"features.*"}, 52, "oneDNN"},
                      Case{"mobilenet_v1_x0_25", {"stage*"}, 27, "channels_last"},
                      Case{"efficientnet_b0", {"features.*"}, 49, "channels_last"},
                      Case{"shufflenet_v2_x0_5", {"[!f]*"}, 56, "channels_last"}),
    [](const auto& each) {
      std::string name = each.param.model;
      std::erase(name, '_');
      return name;
    });

TEST(FrozenBackbone, TrainsTheRestAsTheModelDoes) {
  const std::vector<std::string> frozen = {"conv1.*", "bn1.*", "layer[123].*"};
  const Model plain = frozen_model("resnet18", frozen);
  const Model cut = frozen_model("resnet18", frozen);
  FrozenBackbone backbone(cut, kExact);
  const at::Tensor x = images(4);
  EXPECT_EQ(backbone.cut(x.sizes().vec()).problem, "");
  for (int step = 0; step < 2; ++step) {
    plain.forward(x).square().sum().backward();
    backbone.forward(x).square().sum().backward();
  }
  const auto trained = cut->named_buffers();  // running statistics, numbers of batches
  for (const auto& buffer : plain->named_buffers()) {
    EXPECT_TRUE(buffer.value().equal(trained[buffer.key()])) << buffer.key();
  }
  for (const auto& parameter : plain->named_parameters()) {
    const at::Tensor gradient = cut->named_parameters()[parameter.key()].grad();
    ASSERT_EQ(parameter.value().grad().defined(), gradient.defined()) << parameter.key();
    if (gradient.defined()) {
      EXPECT_TRUE(gradient.equal(parameter.value().grad()));
    }
  }
}

TEST(FrozenBackbone, DrawsTheSameRandomNumbers) {
  const Model model = frozen_model("mobilenet_v2", {"features.*"});
  FrozenBackbone backbone(model, kExact);
  const at::Tensor x = images();
  torch::manual_seed(9);
  const at::Tensor expected = model.forward(x);
  torch::manual_seed(9);
  EXPECT_TRUE(backbone.forward(x).equal(expected));
  EXPECT_FALSE(backbone.forward(x).equal(expected));
}

TEST(FrozenBackbone, ServesAnyNumberOfImagesAlsoWhereTheModelLooksAtIt) {
  for (const char* name : {"resnet18", "shufflenet_v2_x0_5"}) {
    const Model model = frozen_model(name, {"*"});
    unfreeze(*model, "fc.*");
    FrozenBackbone backbone(model, kExact);
    for (const std::int64_t count : {1, 2, 5}) {
      const at::Tensor x = images(count);
      EXPECT_TRUE(backbone.forward(x).equal(model.forward(x))) << name << count;
    }
  }
}

TEST(FrozenBackbone, ComputesTheRestFromFeatures) {
  const Model model = frozen_model("resnet18", {"[!f]*"});
  FrozenBackbone backbone(model, kExact);
  const at::Tensor x = images(4);
  const at::Tensor features = backbone.features(x).front();
  const at::Tensor output = backbone.forward_features({features.slice(0, 1, 3)}, {2, 3, 64, 64});
  EXPECT_TRUE(output.requires_grad());
  EXPECT_LT(relative_error(output, model.forward(x).slice(0, 1, 3)), 1e-6);
}

TEST(FrozenBackbone, UsesBfloat16WhereAsked) {
  const Model model = frozen_model("resnet18", {"[!f]*"});
  FrozenBackbone backbone(model, {.precision = Precision::bfloat16});
  const at::Tensor x = images();
  const at::Tensor features = backbone.features(x).front();
  EXPECT_EQ(features.scalar_type(), at::kFloat);
  const double error = relative_error(features, FrozenBackbone(model, kExact).features(x).front());
  EXPECT_GT(error, 1e-5);
  EXPECT_LT(error, 0.03);
  EXPECT_EQ(backbone.cut(x.sizes().vec()).kernels, "bfloat16");
}

TEST(FrozenBackbone, FollowsChangesOfTheModel) {
  const Model model = frozen_model("mobilenet_v1_x0_25", {"stage*"});
  FrozenBackbone backbone(model);
  const at::Tensor x = images();
  const at::Tensor before = backbone.forward(x);
  {
    const at::NoGradGuard no_gradients;
    model->named_parameters()["stage3.1.3.weight"].mul_(2);
  }
  const at::Tensor after = backbone.forward(x);
  EXPECT_GT(relative_error(after, before), 1e-3);
  EXPECT_LT(relative_error(after, model.forward(x)), 1e-5);
  const auto frozen = backbone.cut(x.sizes().vec()).frozen_operations;
  unfreeze(*model, "stage3.*");
  EXPECT_LT(backbone.cut(x.sizes().vec()).frozen_operations, frozen);
}

TEST(FrozenBackbone, LeavesBuffersAndRandomStateAloneWhileItRecords) {
  const Model model = frozen_model("mobilenet_v2", {"features.0.*"});
  const at::Tensor count = model->named_buffers()["features.1.conv.0.1.num_batches_tracked"];
  const auto counted = count.item<std::int64_t>();
  FrozenBackbone backbone(model);
  const Tensor before = random_state();
  EXPECT_EQ(backbone.cut({2, 3, 64, 64}).problem, "");
  EXPECT_TRUE(equal(Value(random_state()), Value(before)));
  EXPECT_EQ(count.item<std::int64_t>(), counted);
}

TEST(FrozenBackbone, RunsAModelWholeThatCannotBeCut) {
  const Model model = frozen_model("mobilenet_v1_x0_25", {"fc.*"});
  FrozenBackbone backbone(model);
  const at::Tensor x = images();
  model.eval();
  EXPECT_TRUE(backbone.forward(x).equal(model.forward(x)));
  EXPECT_THAT(to_string(backbone.cut(x.sizes().vec())),
              HasSubstr("no layer before the first trained one is frozen"));
  EXPECT_ERROR(backbone.features(x), ErrorCode::unsupported, HasSubstr("cannot be cut"));
}

Model model_of(std::function<at::Tensor(torch::nn::SequentialImpl&, const at::Tensor&)> forward) {
  const auto net =
      std::make_shared<torch::nn::SequentialImpl>(torch::nn::Linear(4, 4), torch::nn::Linear(4, 2));
  freeze(*net, "0.*");
  return Model("test", dict({}), net,
               [net, forward](const at::Tensor& x) { return forward(*net, x); });
}

TEST(FrozenBackbone, RefusesModelsWhoseOperationsDependOnValues) {
  int calls = 0;
  FrozenBackbone counting(model_of([&calls](auto& net, const at::Tensor& x) {
    return net.forward(x * static_cast<double>(++calls));
  }));
  EXPECT_THAT(counting.cut({2, 4}).problem, HasSubstr("depends on more than the shape"));
}

TEST(FrozenBackbone, RefusesModelsThatKeepOtherWholeNumbersThanCounts) {
  Model model = model_of([](auto& net, const at::Tensor& x) {
    net.named_buffers()["sizes"].add_(x.size(0));
    return net.forward(x);
  });
  model->register_buffer("sizes", at::zeros({}, at::kLong));
  EXPECT_THAT(FrozenBackbone(model).cut({2, 4}).problem, HasSubstr("no count of its batches"));
}

TEST(FrozenBackbone, RefusesFrozenLayersThatMixTheImagesOfABatch) {
  FrozenBackbone mixing(
      model_of([](auto& net, const at::Tensor& x) { return net.forward(x - x.mean(0, true)); }));
  EXPECT_THAT(mixing.cut({2, 4}).problem, HasSubstr("mix the images"));
}

TEST(FrozenBackbone, CutsBeforeRandomOperations) {
  FrozenBackbone backbone(model_of([](auto& net, const at::Tensor& x) {
    const at::Tensor hidden = net.children()[0]->template as<torch::nn::Linear>()->forward(x);
    return net.children()[1]->template as<torch::nn::Linear>()->forward(
        at::dropout(hidden, 0.5, net.is_training()).relu());
  }));
  const FrozenBackbone::Cut cut = backbone.cut({2, 4});
  EXPECT_EQ(cut.problem, "");
  EXPECT_GE(cut.operations, cut.frozen_operations + 3);  // dropout, relu, linear
}

}  // namespace frozen_backbone_test
}  // namespace torchkeep
