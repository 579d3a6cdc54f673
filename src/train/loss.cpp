#include "train/loss.h"

#include <cmath>

#include <ATen/Functions.h>

#include "base/fail.h"

namespace torchkeep {

Loss cross_entropy(const CrossEntropyOptions& options) {
  if (!(options.label_smoothing >= 0.0 && options.label_smoothing <= 1.0)) {
    fail(ErrorCode::invalid_argument, "the label smoothing is {} (expected 0 to 1)",
         options.label_smoothing);
  }
  for (const double weight : options.class_weights) {
    if (std::isfinite(weight) && weight >= 0.0) continue;
    fail(ErrorCode::invalid_argument, "the weight of a class is {} (expected at least 0)", weight);
  }
  at::Tensor weights;
  if (!options.class_weights.empty()) weights = at::tensor(options.class_weights, at::kFloat);
  return [weights, smoothing = options.label_smoothing](const at::Tensor& output,
                                                        const at::Tensor& labels) {
    const at::Tensor own = weights.defined() ? weights.to(output.options()) : at::Tensor();
    return at::cross_entropy_loss(output, labels, own, at::Reduction::Mean, /*ignore_index=*/-100,
                                  smoothing);
  };
}

Loss loss_or_cross_entropy(const Loss& loss) { return loss ? loss : cross_entropy(); }

std::vector<double> balanced_class_weights(const at::Tensor& labels, std::int64_t classes) {
  const at::Tensor counts = at::bincount(labels, {}, classes);
  std::vector<double> weights;
  for (std::int64_t i = 0; i < classes; ++i) {
    const auto count = counts[i].item<std::int64_t>();
    if (count == 0) fail(ErrorCode::invalid_argument, "class {} has no images", i);
    weights.push_back(static_cast<double>(labels.numel()) / static_cast<double>(classes * count));
  }
  return weights;
}

}  // namespace torchkeep
