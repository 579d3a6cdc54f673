// What a training makes small.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>

namespace torchkeep {

// A scalar, the mean over the batch.
using Loss = std::function<at::Tensor(const at::Tensor& output, const at::Tensor& labels)>;

struct CrossEntropyOptions {
  // So much of the weight of the right class is spread over all (Szegedy et al., 2016).
  double label_smoothing = 0.0;
  // How much an image of each class counts; empty: all the same. The mean is weighted, too.
  std::vector<double> class_weights = {};
};
// As Python's nn.CrossEntropyLoss. Throws invalid_argument for a smoothing that is not in [0, 1]
// and for weights that are negative or not finite.
Loss cross_entropy(const CrossEntropyOptions& options = {});

// For each class the number of images over the number of classes and over its own images, so that
// all classes count the same. `labels` is int64 [n]. Throws invalid_argument for a class without
// images.
std::vector<double> balanced_class_weights(const at::Tensor& labels, std::int64_t classes);

}  // namespace torchkeep
