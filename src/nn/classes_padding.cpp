// torch.nn.modules.padding
#include <c10/util/Exception.h>  // before padding.h, whose ATen/PadNd.h needs it
#include <c10/util/string_view.h>
#include <torch/nn/functional/padding.h>
#include <torch/nn/modules/padding.h>

#include "nn/function_class.h"
#include "nn/layer_field.h"

namespace torchkeep {

namespace classes_padding_detail {

namespace nn = torch::nn;
using layers::field;
using layers::layer_class;

template <class Impl>
LayerClass pad(std::string name) {
  using Of = layers::OptionsOf<Impl>;
  return layer_class<Impl>("padding." + name, Of(0), {field("padding", &Of::padding)});
}

template <class Impl>
LayerClass constant_pad(std::string name) {
  using Of = layers::OptionsOf<Impl>;
  return layer_class<Impl>("padding." + name, Of(0, 0.0),
                           {field("value", &Of::value), field("padding", &Of::padding)});
}

LayerClass zero_pad_2d() {
  using Of = nn::ZeroPad2dOptions;
  return layer_class<nn::ZeroPad2dImpl>(
      "padding.ZeroPad2d", Of(0), {layers::only<Of>("value", 0.0), field("padding", &Of::padding)});
}

// Classes that came after LibTorch's.
LayerClass later_pad(const std::string& name, nn::functional::PadFuncOptions::mode_t mode) {
  return function_class("padding." + name, [mode](const ModuleNode& node) {
    std::vector<std::int64_t> widths;
    if (const Value* padding = node.attributes.find("padding")) layers::read(*padding, widths);
    return [widths, mode](const at::Tensor& x, const FunctionModule&) {
      return nn::functional::pad(x, nn::functional::PadFuncOptions(widths).mode(mode));
    };
  });
}

}  // namespace classes_padding_detail

std::vector<LayerClass> padding_classes() {
  namespace detail = classes_padding_detail;
  namespace nn = torch::nn;
  return {detail::pad<nn::ReflectionPad1dImpl>("ReflectionPad1d"),
          detail::pad<nn::ReflectionPad2dImpl>("ReflectionPad2d"),
          detail::pad<nn::ReflectionPad3dImpl>("ReflectionPad3d"),
          detail::pad<nn::ReplicationPad1dImpl>("ReplicationPad1d"),
          detail::pad<nn::ReplicationPad2dImpl>("ReplicationPad2d"),
          detail::pad<nn::ReplicationPad3dImpl>("ReplicationPad3d"),
          detail::constant_pad<nn::ConstantPad1dImpl>("ConstantPad1d"),
          detail::constant_pad<nn::ConstantPad2dImpl>("ConstantPad2d"),
          detail::constant_pad<nn::ConstantPad3dImpl>("ConstantPad3d"),
          detail::zero_pad_2d(),
          detail::later_pad("ZeroPad1d", torch::kConstant),
          detail::later_pad("ZeroPad3d", torch::kConstant),
          detail::later_pad("CircularPad1d", torch::kCircular),
          detail::later_pad("CircularPad2d", torch::kCircular),
          detail::later_pad("CircularPad3d", torch::kCircular)};
}

}  // namespace torchkeep
