#include "models/frozen_plan.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include <torchkeep/random_state.h>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "nn/inference_graph.h"
#include "nn/libtorch_version.h"
#include "nn/module_walk.h"
#include "nn/split_graph.h"

namespace torchkeep {
namespace frozen_plan_detail {

constexpr double kLargestError = 1e-5;  // of compiled features, relative to their norm

// Puts back what computing changes: buffers and the random state.
class Undo {
 public:
  explicit Undo(const torch::nn::Module& module)
      : buffers_(module.buffers()), random_state_(random_state()) {
    for (const at::Tensor& buffer : buffers_) copies_.push_back(buffer.clone());
  }
  ~Undo() { put_back(); }
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;

  // What has not changed stays untouched, so that it does not look changed. Batch norms write to
  // their statistics without counting it.
  void put_back() {
    const at::NoGradGuard no_gradients;
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      if (!buffers_[i].equal(copies_[i])) buffers_[i].copy_(copies_[i]);
    }
    set_random_state(random_state_);
  }

  // The whole numbers that have changed, such as the batches that a batch norm has seen. Throws
  // unsupported unless each of `forwards` has added one.
  std::vector<at::Tensor> counters(std::int64_t forwards) const {
    std::vector<at::Tensor> changed;
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      if (buffers_[i].is_floating_point() || buffers_[i].equal(copies_[i])) continue;
      if (!buffers_[i].equal(copies_[i] + forwards)) {
        fail(ErrorCode::unsupported, "it keeps whole numbers that are no count of its batches");
      }
      changed.push_back(buffers_[i]);
    }
    return changed;
  }

 private:
  std::vector<at::Tensor> buffers_;
  std::vector<at::Tensor> copies_;
  Tensor random_state_;
};

std::vector<at::Tensor> trained_parameters(const torch::nn::Module& module) {
  std::vector<at::Tensor> trained;
  for (const at::Tensor& parameter : module.parameters()) {
    const bool is_there = std::ranges::any_of(
        trained, [&](const at::Tensor& other) { return other.is_same(parameter); });
    if (parameter.requires_grad() && !is_there) trained.push_back(parameter);
  }
  return trained;
}

at::Tensor random_images(Shape shape, std::int64_t count, const at::Tensor& like) {
  shape.front() = count;
  const at::Tensor images = at::randn(shape, at::detail::createCPUGenerator(1), at::kFloat);
  return like.defined() ? images.to(like.options()) : images;
}

double relative_error(const std::vector<at::Tensor>& features,
                      const std::vector<at::Tensor>& expected) {
  double worst = 0.0;
  for (std::size_t i = 0; i < features.size(); ++i) {
    const double norm = expected[i].norm().item<double>();
    const double error = (features[i] - expected[i]).norm().item<double>();
    worst = std::max(worst, norm > 0.0 ? error / norm : error);
  }
  return worst;
}

class Planner {
 public:
  Planner(const Model& model, const Shape& images, const FrozenBackboneOptions& options)
      : model_(model), shape_(images), options_(options), undo_(model.module()) {
    plan_.trained = trained_parameters(model_.module());
    const auto parameters = model_->parameters();
    if (!parameters.empty()) like_ = parameters.front().detach();
  }

  FrozenPlan make() {
    const at::NoGradGuard no_gradients;
    const CpuAutocast no_autocast(std::nullopt);
    try {
      record_for_any_batch();
      cut_in_two();
      compile();
    } catch (const Error& error) {
      plan_.cut.problem = error.problem();
    } catch (const c10::Error& error) {
      plan_.cut.problem =
          "LibTorch cannot record it: " + std::string(error.what_without_backtrace());
    }
    return std::move(plan_);
  }

 private:
  Recording record_images(std::int64_t count) {
    ++forwards_;
    images_ = random_images(shape_, count, like_);
    return record([this](const at::Tensor& x) { return model_.forward(x); }, images_,
                  plan_.trained);
  }

  // Two recordings tell whether sizes and values of tensors decided what was done. The second goes
  // on with the random and the running state of the first.
  void record_for_any_batch() {
    const Recording two = record_images(2);
    const Recording three = record_images(3);
    plan_.any_batch = same_operations(*two.graph, *three.graph);
    if (!plan_.any_batch) record_for_this_batch();
    plan_.counters = undo_.counters(forwards_);
    undo_.put_back();
    recording_ = record_images(plan_.any_batch ? 2 : shape_.front());
  }

  void record_for_this_batch() {
    const Recording first = record_images(shape_.front());
    const Recording second = record_images(shape_.front());
    if (same_operations(*first.graph, *second.graph)) return;
    fail(ErrorCode::unsupported, "what the model does depends on more than the shape of its input");
  }

  void cut_in_two() {
    const SplitGraph split = split_graph(*recording_.graph);
    plan_.cut.frozen_operations = split.frozen_operations;
    plan_.cut.operations = split.operations;
    exact_.exact = CompiledGraph(split.frozen);
    exact_.used = exact_.exact;
    exact_.name = "exact";
    exact_.type = images_.scalar_type();
    plan_.rest = CompiledGraph(split.rest);
    for (const at::Tensor& tensor : split.frozen_tensors) {
      plan_.sources.push_back({tensor, tensor.data_ptr(), tensor_version(tensor)});
    }
    check_replay();
    check_rows();
  }

  // The operations must do what the model did.
  void check_replay() {
    undo_.put_back();
    features_ = exact_.run(images_.clone());
    std::vector<at::Tensor> inputs;
    for (const at::Tensor& feature : features_) inputs.push_back(feature.clone());
    inputs.insert(inputs.end(), plan_.trained.begin(), plan_.trained.end());
    const bool is_right = plan_.rest.run(inputs).front().equal(recording_.output);
    // Counting has no result that is recorded: rest_of() does it.
    if (is_right && undo_.counters(0).empty()) return;
    fail(ErrorCode::unsupported, "its recorded operations do not do what the model does");
  }

  // Each image must have features of its own.
  void check_rows() {
    const at::Tensor others = images_.clone();
    if (others.size(0) > 1) others.slice(0, 1).mul_(-1).add_(1);
    const std::vector<at::Tensor> features = exact_.run(others);
    for (std::size_t i = 0; i < features.size(); ++i) {
      const bool has_rows = features[i].dim() > 0 && features[i].size(0) == images_.size(0);
      if (has_rows && features[i][0].allclose(features_[i][0], 1e-3, 1e-4)) continue;
      fail(ErrorCode::unsupported, "the frozen layers mix the images of a batch");
    }
  }

  void compile() {
    plan_.kernels = std::make_shared<const FrozenKernels>(exact_);
    if (options_.kernels == FrozenBackboneOptions::Kernels::compiled) {
      use_if_right(&Planner::onednn_kernels) || use_if_right(&Planner::channels_last_kernels);
    }
    plan_.cut.kernels = plan_.kernels->name;
    plan_.cut.folded_batch_norms = plan_.kernels->folded_batch_norms;
  }

  bool is_half() const { return options_.precision == FrozenBackboneOptions::Precision::bfloat16; }

  // LibTorch's kernels for other layouts do not know every operation in every size.
  bool use_if_right(std::optional<FrozenKernels> (Planner::*make_kernels)() const) {
    try {
      std::optional<FrozenKernels> kernels = (this->*make_kernels)();
      if (!kernels) return false;
      const double error = relative_error(kernels->run(images_.clone()), features_);
      if (!is_half() && !(error < kLargestError)) return false;
      plan_.kernels = std::make_shared<const FrozenKernels>(std::move(*kernels));
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  std::optional<FrozenKernels> onednn_kernels() const {
    const bool is_float_on_cpu =
        like_.defined() && like_.is_cpu() && like_.scalar_type() == at::kFloat;
    if (is_half() || !is_float_on_cpu || !at::hasMKLDNN()) return std::nullopt;
    FrozenKernels kernels = exact_;
    GraphPointer graph = exact_.exact.copy();
    kernels.folded_batch_norms = fold_batch_norms(*graph);
    if (!use_onednn_layout(graph)) return std::nullopt;
    kernels.name = "oneDNN";
    kernels.used = CompiledGraph(std::move(graph));
    return kernels;
  }

  std::optional<FrozenKernels> channels_last_kernels() const {
    FrozenKernels kernels = exact_;
    GraphPointer graph = exact_.exact.copy();
    kernels.folded_batch_norms = fold_batch_norms(*graph);
    kernels.type = is_half() ? at::kBFloat16 : images_.scalar_type();
    kernels.layout = at::MemoryFormat::ChannelsLast;
    kernels.name = is_half() ? "bfloat16" : "channels_last";
    use_channels_last(*graph, kernels.type);
    kernels.used = CompiledGraph(std::move(graph));
    return kernels;
  }

  const Model& model_;
  Shape shape_;
  FrozenBackboneOptions options_;
  Undo undo_;
  std::int64_t forwards_ = 0;  // of the model
  at::Tensor like_;            // for the type and the device of images
  at::Tensor images_;          // of the last recording
  Recording recording_;
  FrozenKernels exact_;
  std::vector<at::Tensor> features_;  // exact ones of the images
  FrozenPlan plan_;
};

}  // namespace frozen_plan_detail

std::vector<at::Tensor> FrozenKernels::run(const at::Tensor& images) const {
  const at::NoGradGuard no_gradients;
  const CpuAutocast no_autocast(std::nullopt);
  const auto images_layout = images.dim() == 4 ? layout : at::MemoryFormat::Contiguous;
  std::vector<at::Tensor> features = used.run({images.to(type).contiguous(images_layout)});
  for (at::Tensor& feature : features) {
    feature = feature.to(images.scalar_type());
    if (layout != at::MemoryFormat::Contiguous) feature = feature.contiguous();
  }
  return features;
}

bool FrozenPlan::is_current() const {
  return std::ranges::all_of(sources, [](const Source& source) {
    return source.tensor.data_ptr() == source.memory &&
           tensor_version(source.tensor) == source.version;
  });
}

void FrozenPlan::require_cut() const {
  if (!cut.problem.empty()) {
    fail_at(ErrorCode::unsupported, {}, "freeze its leading layers, or use it whole",
            "the model cannot be cut into a frozen part and the rest: {}", cut.problem);
  }
}

std::vector<at::Tensor> FrozenPlan::features_of(const at::Tensor& images) const {
  return kernels->run(images);
}

at::Tensor FrozenPlan::rest_of(const std::vector<at::Tensor>& features) const {
  std::vector<at::Tensor> inputs = features;
  inputs.insert(inputs.end(), trained.begin(), trained.end());
  for (const at::Tensor& counter : counters) counter.add_(1);
  return rest.run(inputs).front();
}

bool FrozenPlan::shares_kernels_with(const FrozenPlan& other) {
  if (!kernels || !other.kernels) return false;
  if (!same_operations(kernels->exact.graph(), other.kernels->exact.graph())) return false;
  kernels = other.kernels;
  return true;
}

std::string flags_of(const torch::nn::Module& module) {
  std::string flags;
  for (const at::Tensor& parameter : module.parameters()) {
    flags += parameter.requires_grad() ? 'g' : 'f';
  }
  for_each_module(module, [&flags](const std::string&, const torch::nn::Module& each) {
    flags += each.is_training() ? 't' : 'e';
  });
  return flags;
}

FrozenPlan make_plan(const Model& model,
                     const Shape& images,
                     const FrozenBackboneOptions& options) {
  return frozen_plan_detail::Planner(model, images, options).make();
}

}  // namespace torchkeep
