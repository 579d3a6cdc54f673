// torch.nn.modules.batchnorm, instancenorm, normalization, dropout
#include <torch/nn/functional/batchnorm.h>
#include <torch/nn/functional/instancenorm.h>  // before its module, which lacks it
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/instancenorm.h>
#include <torch/nn/modules/normalization.h>

#include "nn/layer_field.h"
#include "nn/module_walk.h"

namespace torchkeep {

namespace classes_norm_detail {

namespace nn = torch::nn;
using layers::field;
using layers::layer_class;

// In one process it is a batch norm for any number of dimensions. Not derived from LibTorch's,
// which does not export all that a derived class needs.
class SyncBatchNormImpl : public nn::NormImplBase<2, SyncBatchNormImpl, nn::BatchNormOptions>,
                          public HasStateDictVersion {
 public:
  using nn::NormImplBase<2, SyncBatchNormImpl, nn::BatchNormOptions>::NormImplBase;

  std::int64_t state_dict_version() const override { return 2; }

  at::Tensor forward(const at::Tensor& input) {
    const bool counts = is_training() && options.track_running_stats();
    if (counts) num_batches_tracked += 1;
    // Without a momentum all batches count the same.
    const double momentum =
        options.momentum().value_or(counts ? 1.0 / num_batches_tracked.item<double>() : 0.0);
    return nn::functional::batch_norm(input, running_mean, running_var,
                                      nn::functional::BatchNormFuncOptions()
                                          .weight(weight)
                                          .bias(bias)
                                          .training(is_training() || !options.track_running_stats())
                                          .momentum(momentum)
                                          .eps(options.eps()));
  }

 protected:
  void _check_input_dim(const at::Tensor&) override {}
};

template <class Impl>
LayerClass counting_norm(std::string path) {
  using Of = layers::OptionsOf<Impl>;
  const auto make = [](const ModuleNode& node) {
    const Value* mean = node.buffer("running_mean");
    return std::make_shared<Impl>(
        Of(1).affine(true).track_running_stats(mean && mean->is_tensor()));
  };
  return layer_class<Impl>(std::move(path), make,
                           {field("num_features", &Of::num_features), field("eps", &Of::eps),
                            field("momentum", &Of::momentum), field("affine", &Of::affine),
                            field("track_running_stats", &Of::track_running_stats)},
                           {.parameters = {{"weight", &Impl::weight}, {"bias", &Impl::bias}},
                            .buffers = {{"running_mean", &Impl::running_mean},
                                        {"running_var", &Impl::running_var},
                                        {"num_batches_tracked", &Impl::num_batches_tracked}}});
}

LayerClass sync_batch_norm() {
  LayerClass result = counting_norm<SyncBatchNormImpl>("batchnorm.SyncBatchNorm");
  result.attributes = [of_all = result.attributes](const nn::Module& module) {
    Dict attributes = of_all(module);
    attributes.set("process_group", Value());
    return attributes;
  };
  return result;
}

LayerClass layer_norm() {
  using Of = nn::LayerNormOptions;
  return layer_class<nn::LayerNormImpl>(
      "normalization.LayerNorm", Of({1}),
      {field("normalized_shape", &Of::normalized_shape), field("eps", &Of::eps),
       field("elementwise_affine", &Of::elementwise_affine)},
      {.parameters = {{"weight", &nn::LayerNormImpl::weight}, {"bias", &nn::LayerNormImpl::bias}}});
}

LayerClass group_norm() {
  using Of = nn::GroupNormOptions;
  return layer_class<nn::GroupNormImpl>(
      "normalization.GroupNorm", Of(1, 1),
      {field("num_groups", &Of::num_groups), field("num_channels", &Of::num_channels),
       field("eps", &Of::eps), field("affine", &Of::affine)},
      {.parameters = {{"weight", &nn::GroupNormImpl::weight}, {"bias", &nn::GroupNormImpl::bias}}});
}

template <class Impl>
LayerClass local_norm(std::string path) {
  using Of = layers::OptionsOf<Impl>;
  return layer_class<Impl>(std::move(path), Of(1),
                           {field("size", &Of::size), field("alpha", &Of::alpha),
                            field("beta", &Of::beta), field("k", &Of::k)});
}

template <class Impl>
LayerClass dropout(std::string name) {
  using Of = nn::DropoutOptions;
  return layer_class<Impl>("dropout." + name, Of(),
                           {field("p", &Of::p), field("inplace", &Of::inplace)});
}

}  // namespace classes_norm_detail

std::vector<LayerClass> norm_classes() {
  namespace detail = classes_norm_detail;
  namespace nn = torch::nn;
  return {detail::counting_norm<nn::BatchNorm1dImpl>("batchnorm.BatchNorm1d"),
          detail::counting_norm<nn::BatchNorm2dImpl>("batchnorm.BatchNorm2d"),
          detail::counting_norm<nn::BatchNorm3dImpl>("batchnorm.BatchNorm3d"),
          detail::sync_batch_norm(),
          detail::counting_norm<nn::InstanceNorm1dImpl>("instancenorm.InstanceNorm1d"),
          detail::counting_norm<nn::InstanceNorm2dImpl>("instancenorm.InstanceNorm2d"),
          detail::counting_norm<nn::InstanceNorm3dImpl>("instancenorm.InstanceNorm3d"),
          detail::layer_norm(),
          detail::group_norm(),
          detail::local_norm<nn::LocalResponseNormImpl>("normalization.LocalResponseNorm"),
          detail::local_norm<nn::CrossMapLRN2dImpl>("normalization.CrossMapLRN2d"),
          detail::dropout<nn::DropoutImpl>("Dropout"),
          detail::dropout<nn::Dropout2dImpl>("Dropout2d"),
          detail::dropout<nn::Dropout3dImpl>("Dropout3d"),
          detail::dropout<nn::AlphaDropoutImpl>("AlphaDropout"),
          detail::dropout<nn::FeatureAlphaDropoutImpl>("FeatureAlphaDropout")};
}

}  // namespace torchkeep
