#include <map>
#include <utility>

#include <torchkeep/frozen_backbone.h>

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "models/frozen_plan.h"

namespace torchkeep {

// The plans of a model, by what decides its operations: flags, and the shape of the images.
class FrozenBackbone::Plans {
 public:
  Plans(Model model, FrozenBackboneOptions options) : model_(std::move(model)), options_(options) {}

  const Model& model() const { return model_; }
  const FrozenBackboneOptions& options() const { return options_; }

  const FrozenPlan& plan(const Shape& images) {
    const std::string flags = flags_of(model_.module());
    Shape any_batch = images;
    any_batch.front() = 0;
    for (const Shape& shape : {any_batch, images}) {
      const auto found = plans_.find({flags, shape});
      if (found == plans_.end()) continue;
      if (found->second.is_current()) return found->second;
      plans_.clear();
      break;
    }
    FrozenPlan made = make_plan(model_, images, options_);
    share_kernels(made);
    const Shape& shape = made.any_batch ? any_batch : images;
    return plans_.insert_or_assign({flags, shape}, std::move(made)).first->second;
  }

 private:
  // A training and its validation need the same features.
  void share_kernels(FrozenPlan& made) const {
    for (const auto& [key, plan] : plans_) {
      if (made.shares_kernels_with(plan)) return;
    }
  }

  Model model_;
  FrozenBackboneOptions options_;
  std::map<std::pair<std::string, Shape>, FrozenPlan> plans_;
};

FrozenBackbone::FrozenBackbone(Model model, FrozenBackboneOptions options)
    : plans_(std::make_unique<Plans>(std::move(model), options)) {}
FrozenBackbone::~FrozenBackbone() = default;
FrozenBackbone::FrozenBackbone(FrozenBackbone&&) noexcept = default;
FrozenBackbone& FrozenBackbone::operator=(FrozenBackbone&&) noexcept = default;

at::Tensor FrozenBackbone::forward(const at::Tensor& images) {
  if (images.requires_grad()) return plans_->model().forward(images);
  const FrozenPlan& plan = plans_->plan(images.sizes().vec());
  if (!plan.cut.problem.empty()) return plans_->model().forward(images);
  return plan.rest_of(plan.features_of(images));
}

std::vector<at::Tensor> FrozenBackbone::features(const at::Tensor& images) {
  const FrozenPlan& plan = plans_->plan(images.sizes().vec());
  plan.require_cut();
  return plan.features_of(images);
}

at::Tensor FrozenBackbone::forward_features(const std::vector<at::Tensor>& features,
                                            const Shape& images) {
  const FrozenPlan& plan = plans_->plan(images);
  plan.require_cut();
  return plan.rest_of(features);
}

FrozenBackbone::Cut FrozenBackbone::cut(const Shape& images) { return plans_->plan(images).cut; }

std::string to_string(const FrozenBackbone::Cut& cut) {
  if (!cut.problem.empty()) return "the whole model runs as it is: " + cut.problem;
  const std::string folded = cut.folded_batch_norms == 0
                                 ? ""
                                 : fmt::format(", {} batch norms folded", cut.folded_batch_norms);
  return fmt::format("{} of {} operations are frozen and run without gradients ({} kernels{})",
                     cut.frozen_operations, cut.operations, cut.kernels, folded);
}

}  // namespace torchkeep
