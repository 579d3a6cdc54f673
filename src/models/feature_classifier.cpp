#include "models/feature_classifier.h"

#include "nn/layer_builder.h"

namespace torchkeep {

FeatureClassifier::FeatureClassifier(std::string architecture,
                                     std::string class_path,
                                     Layer features,
                                     Layer avgpool,
                                     Layer classifier)
    : Classifier(std::move(architecture)),
      class_path_(std::move(class_path)),
      features_(std::move(features)),
      avgpool_(std::move(avgpool)),
      classifier_(std::move(classifier)) {
  register_module("features", features_.module);
  register_module("avgpool", avgpool_.module);
  register_module("classifier", classifier_.module);
}

std::shared_ptr<Classifier> read_feature_classifier(LayerBuilder& builder, const ModuleNode& node) {
  return std::make_shared<FeatureClassifier>(
      node.class_path, node.class_path, builder.child(node, "features"),
      builder.child(node, "avgpool"), builder.child(node, "classifier"));
}

}  // namespace torchkeep
