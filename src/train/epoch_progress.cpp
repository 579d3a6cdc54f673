#include "train/epoch_progress.h"

#include <ATen/Functions.h>

namespace torchkeep {

at::Tensor predicted_classes(const at::Tensor& output) {
  return output.size(1) == 1 ? output.squeeze(1).gt(0).to(at::kLong) : output.argmax(1);
}

void EpochProgress::add(const at::Tensor& loss,
                        const at::Tensor& output,
                        const at::Tensor& labels) {
  const std::int64_t images = labels.size(0);
  images_ += images;
  ++batches_;
  loss_sum_ += loss.item<double>() * static_cast<double>(images);
  const at::Tensor classes = labels.is_floating_point() ? labels.argmax(1) : labels;
  correct_ += predicted_classes(output).eq(classes).sum().item<std::int64_t>();
}

Value EpochProgress::to_value() const {
  return dict(
      {{"batches", batches_}, {"images", images_}, {"correct", correct_}, {"loss_sum", loss_sum_}});
}

EpochProgress EpochProgress::from_value(const Value& value) {
  EpochProgress progress;
  progress.batches_ = value["batches"].as_int();
  progress.images_ = value["images"].as_int();
  progress.correct_ = value["correct"].as_int();
  progress.loss_sum_ = value["loss_sum"].as_double();
  return progress;
}

}  // namespace torchkeep
