// What an epoch has summed up so far, so that it can be gone on with in the middle.
#pragma once

#include <cstdint>

#include <torchkeep/value.h>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>

namespace torchkeep {

// The largest output, or for a single one whether it is above 0.
at::Tensor predicted_classes(const at::Tensor& output);

// Means over the images seen so far.
class EpochProgress {
 public:
  // `loss` is the mean over the batch. Labels are numbers of classes, or shares of them [n,
  // classes].
  void add(const at::Tensor& loss, const at::Tensor& output, const at::Tensor& labels);

  std::int64_t batches() const { return batches_; }
  double loss() const { return loss_sum_ / static_cast<double>(images_); }
  double accuracy() const { return static_cast<double>(correct_) / static_cast<double>(images_); }

  // A dict, and its inverse, which throws not_found, mismatch.
  Value to_value() const;
  static EpochProgress from_value(const Value& value);

 private:
  double loss_sum_ = 0.0;
  std::int64_t correct_ = 0;
  std::int64_t images_ = 0;
  std::int64_t batches_ = 0;
};

}  // namespace torchkeep
