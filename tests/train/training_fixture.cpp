#include "train/training_fixture.h"

#include <torchkeep/freeze.h>
#include <torchkeep/module.h>

#include <ATen/Functions.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

namespace torchkeep::testing {
namespace training_fixture_detail {

namespace nn = torch::nn;

struct SmallNetImpl : nn::Module {
  explicit SmallNetImpl(std::int64_t classes_) : classes(classes_) {
    features = register_module(
        "features", nn::Sequential(nn::Conv2d(nn::Conv2dOptions(1, 4, 3)), nn::BatchNorm2d(4),
                                   nn::ReLU(), nn::Conv2d(nn::Conv2dOptions(4, 4, 3)), nn::ReLU()));
    classifier = register_module("classifier", nn::Sequential(nn::Flatten(), nn::Dropout(0.5),
                                                              nn::Linear(4 * 4 * 4, classes)));
  }
  at::Tensor forward(const at::Tensor& x) { return classifier->forward(features->forward(x)); }

  std::int64_t classes;
  nn::Sequential features{nullptr};
  nn::Sequential classifier{nullptr};
};

void register_small_net() {
  static const bool registered = [] {
    register_model<SmallNetImpl>(
        "small_net_of_the_training_tests",
        [](const Value& configuration) {
          return std::make_shared<SmallNetImpl>(configuration["classes"].as_int());
        },
        [](const SmallNetImpl& net) {
          return dict({{"classes", net.classes}});
        });
    return true;
  }();
  static_cast<void>(registered);
}

// A bright band whose place tells the class, and noise.
Dataset bands(std::int64_t n, std::uint64_t seed) {
  at::manual_seed(seed);
  Dataset dataset;
  dataset.labels = at::arange(n, at::kLong).remainder(3);
  dataset.images = at::randint(0, 120, {n, 1, 8, 8}, at::kByte);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto top = 2 * dataset.labels[i].item<std::int64_t>();
    dataset.images[i].narrow(1, top, 2).add_(100);
  }
  dataset.class_names = {"high", "middle", "low"};
  return dataset;
}

}  // namespace training_fixture_detail

Model small_net(int classes) {
  training_fixture_detail::register_small_net();
  at::manual_seed(11);
  return create_model("small_net_of_the_training_tests", dict({{"classes", classes}}));
}

std::unique_ptr<torch::optim::Optimizer> make_optimizer(OptimizerKind kind, const Model& model) {
  std::vector<at::Tensor> parameters;
  for (const at::Tensor& parameter : model->parameters()) {
    if (parameter.requires_grad()) parameters.push_back(parameter);
  }
  if (kind == OptimizerKind::adam) {
    return std::make_unique<torch::optim::Adam>(parameters, torch::optim::AdamOptions(0.01));
  }
  return std::make_unique<torch::optim::SGD>(
      parameters, torch::optim::SGDOptions(0.05).momentum(0.9).weight_decay(0.001));
}

SmallData small_data() {
  namespace detail = training_fixture_detail;
  return {BatchSource(detail::bands(48, 1),
                      {.batch_size = 10, .order = BatchOptions::Order::shuffled, .seed = 3}),
          BatchSource(detail::bands(12, 2), {.batch_size = 5})};
}

bool same_parameters(const Model& a, const Model& b) {
  return equal(Value(state_dict(a.module())), Value(state_dict(b.module())));
}

}  // namespace torchkeep::testing
