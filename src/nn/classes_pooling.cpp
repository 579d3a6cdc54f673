// torch.nn.modules.pooling
#include <torch/nn/modules/pooling.h>

#include "nn/layer_field.h"

namespace torchkeep {

namespace classes_pooling_detail {

namespace nn = torch::nn;
using layers::collapsed;
using layers::field;
using layers::Field;
using layers::layer_class;
using layers::only;

// Python keeps None where LibTorch has the size of the kernel.
template <class Of, std::size_t D>
Field<Of> stride_of(Of, torch::ExpandingArray<D>& (Of::*get)()) {
  Field<Of> result = collapsed("stride", get);
  result.read = [read = result.read](Of& options, const Value& value) {
    if (value.is_none()) {
      options.stride(options.kernel_size());
    } else {
      read(options, value);
    }
  };
  return result;
}

template <class Impl>
LayerClass max_pool(std::string name) {
  using Of = layers::OptionsOf<Impl>;
  return layer_class<Impl>(
      "pooling." + name, Of(1),
      {collapsed("kernel_size", &Of::kernel_size), stride_of(Of(1), &Of::stride),
       collapsed("padding", &Of::padding), collapsed("dilation", &Of::dilation),
       only<Of>("return_indices", false), field("ceil_mode", &Of::ceil_mode)});
}

template <class Impl>
LayerClass avg_pool(std::string name) {
  using Of = layers::OptionsOf<Impl>;
  return layer_class<Impl>(
      "pooling." + name, Of(1),
      {collapsed("kernel_size", &Of::kernel_size), stride_of(Of(1), &Of::stride),
       collapsed("padding", &Of::padding), field("ceil_mode", &Of::ceil_mode),
       field("count_include_pad", &Of::count_include_pad),
       field("divisor_override", &Of::divisor_override)});
}

// Of one dimension, where Python keeps tuples and has no divisor.
LayerClass avg_pool_1d() {
  using Of = nn::AvgPool1dOptions;
  Field<Of> stride = stride_of(Of(1), &Of::stride);
  stride.write = field("stride", &Of::stride).write;
  return layer_class<nn::AvgPool1dImpl>(
      "pooling.AvgPool1d", Of(1),
      {field("kernel_size", &Of::kernel_size), stride, field("padding", &Of::padding),
       field("ceil_mode", &Of::ceil_mode), field("count_include_pad", &Of::count_include_pad)});
}

template <class Impl>
LayerClass adaptive_avg_pool(std::string name) {
  using Of = layers::OptionsOf<Impl>;
  return layer_class<Impl>("pooling." + name, Of(1), {field("output_size", &Of::output_size)});
}

template <class Impl>
LayerClass adaptive_max_pool(std::string name) {
  using Of = layers::OptionsOf<Impl>;
  return layer_class<Impl>(
      "pooling." + name, Of(1),
      {field("output_size", &Of::output_size), only<Of>("return_indices", false)});
}

template <class Impl>
LayerClass lp_pool(std::string name) {
  using Of = layers::OptionsOf<Impl>;
  Field<Of> stride = stride_of(Of(2, 1), &Of::stride);
  stride.write = [write = stride.write](const Of& options) {
    return *options.stride() == *options.kernel_size() ? Value() : write(options);
  };
  return layer_class<Impl>(
      "pooling." + name, Of(2, 1),
      {field("norm_type", &Of::norm_type), collapsed("kernel_size", &Of::kernel_size), stride,
       field("ceil_mode", &Of::ceil_mode)});
}

}  // namespace classes_pooling_detail

std::vector<LayerClass> pooling_classes() {
  namespace detail = classes_pooling_detail;
  namespace nn = torch::nn;
  return {detail::max_pool<nn::MaxPool1dImpl>("MaxPool1d"),
          detail::max_pool<nn::MaxPool2dImpl>("MaxPool2d"),
          detail::max_pool<nn::MaxPool3dImpl>("MaxPool3d"),
          detail::avg_pool_1d(),
          detail::avg_pool<nn::AvgPool2dImpl>("AvgPool2d"),
          detail::avg_pool<nn::AvgPool3dImpl>("AvgPool3d"),
          detail::adaptive_avg_pool<nn::AdaptiveAvgPool1dImpl>("AdaptiveAvgPool1d"),
          detail::adaptive_avg_pool<nn::AdaptiveAvgPool2dImpl>("AdaptiveAvgPool2d"),
          detail::adaptive_avg_pool<nn::AdaptiveAvgPool3dImpl>("AdaptiveAvgPool3d"),
          detail::adaptive_max_pool<nn::AdaptiveMaxPool1dImpl>("AdaptiveMaxPool1d"),
          detail::adaptive_max_pool<nn::AdaptiveMaxPool2dImpl>("AdaptiveMaxPool2d"),
          detail::adaptive_max_pool<nn::AdaptiveMaxPool3dImpl>("AdaptiveMaxPool3d"),
          detail::lp_pool<nn::LPPool1dImpl>("LPPool1d"),
          detail::lp_pool<nn::LPPool2dImpl>("LPPool2d")};
}

}  // namespace torchkeep
