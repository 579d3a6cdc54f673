// What AlexNet and the VGGs have in common: features, an average pooling, a classifier.
#pragma once

#include <string>
#include <utility>

#include "models/classifier.h"
#include "nn/layer.h"

namespace torchkeep {

class LayerBuilder;

class FeatureClassifier final : public Classifier {
 public:
  FeatureClassifier(std::string architecture,
                    std::string class_path,
                    Layer features,
                    Layer avgpool,
                    Layer classifier);

  at::Tensor forward(const at::Tensor& x) override {
    return classifier_(avgpool_(features_(x)).flatten(1));
  }
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{class_path_, Dict()};
  }

 private:
  std::string class_path_;
  Layer features_;
  Layer avgpool_;
  Layer classifier_;
};

// From the tree of a file.
std::shared_ptr<Classifier> read_feature_classifier(LayerBuilder& builder, const ModuleNode& node);

}  // namespace torchkeep
