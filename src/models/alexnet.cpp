// AlexNet in its second form, for one GPU (Krizhevsky, 2014).
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/pooling.h>

#include "models/families.h"
#include "models/feature_classifier.h"
#include "models/layers.h"
#include "models/python_names.h"
#include "nn/sequence.h"

namespace torchkeep {

namespace alexnet_detail {

constexpr std::int64_t kPooled = 6;  // height and width of what the linear layers see
constexpr std::int64_t kWidth = 256;
constexpr std::int64_t kHidden = 4096;

torch::nn::ReLU relu() { return torch::nn::ReLU(torch::nn::ReLUOptions(/*inplace=*/true)); }

torch::nn::MaxPool2d pool() {
  return torch::nn::MaxPool2d(torch::nn::MaxPool2dOptions(3).stride(2));
}

Layer features(std::int64_t in_channels) {
  using Options = torch::nn::Conv2dOptions;
  Stack layers;
  const auto push = [&](const Options& options) {
    layers.push(conv2d(options));
    layers.push(relu());
  };
  push(Options(in_channels, 64, 11).stride(4).padding(2));
  layers.push(pool());
  push(Options(64, 192, 5).padding(2));
  layers.push(pool());
  push(Options(192, 384, 3).padding(1));
  push(Options(384, kWidth, 3).padding(1));
  push(Options(kWidth, kWidth, 3).padding(1));
  layers.push(pool());
  return layers.layer();
}

Layer classifier(std::int64_t num_classes, double dropout) {
  Stack layers;
  std::int64_t in_features = kWidth * kPooled * kPooled;
  for (int i = 0; i < 2; ++i) {
    layers.push(torch::nn::Dropout(dropout));
    layers.push(linear(in_features, kHidden));
    layers.push(relu());
    in_features = kHidden;
  }
  layers.push(linear(kHidden, num_classes));
  return layers.layer();
}

std::shared_ptr<Classifier> build(std::string architecture, const ClassifierOptions& options) {
  Layer convolutions = features(options.in_channels);
  Layer avgpool = callable(torch::nn::AdaptiveAvgPool2d(kPooled));
  Layer head = classifier(options.num_classes, *options.dropout);
  return std::make_shared<FeatureClassifier>(std::move(architecture), std::string(kPythonAlexNet),
                                             std::move(convolutions), std::move(avgpool),
                                             std::move(head));
}

}  // namespace alexnet_detail

std::vector<Architecture> alexnet_family() {
  return {{.name = "alexnet",
           .defaults = {.dropout = 0.5},
           .build = alexnet_detail::build,
           .heads = {"classifier.6"},
           .python_class = kPythonAlexNet}};
}

}  // namespace torchkeep
