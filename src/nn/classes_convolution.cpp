// torch.nn.modules.conv
#include <algorithm>

#include <torch/nn/modules/conv.h>

#include "nn/layer_field.h"
#include "nn/module_parameters.h"

namespace torchkeep {

namespace classes_convolution_detail {

namespace nn = torch::nn;
using layers::constant;
using layers::field;
using layers::Field;

template <std::size_t D>
using Options = nn::detail::ConvNdOptions<D>;

// A number for each dimension, or the name of a rule.
template <std::size_t D>
Field<Options<D>> padding() {
  using Array = torch::ExpandingArray<D>;
  return {"padding",
          [](Options<D>& options, const Value& value) {
            if (!value.is_string()) {
              Array numbers(0);
              layers::read(value, numbers);
              options.padding(numbers);
            } else if (value.as_string() == "same") {
              options.padding(torch::kSame);
            } else if (value.as_string() == "valid") {
              options.padding(torch::kValid);
            } else {
              fail(ErrorCode::mismatch, "unknown padding '{}'", value.as_string());
            }
          },
          [](const Options<D>& options) -> Value {
            if (const auto* numbers = get_if<Array>(&options.padding())) {
              return layers::written(*numbers);
            }
            return get_if<torch::enumtype::kSame>(&options.padding()) ? "same" : "valid";
          }};
}

// What Python pads with before it convolves, from the last dimension to the first.
template <std::size_t D>
Value reversed_padding(const Options<D>& options) {
  List numbers;
  const auto* padding = get_if<torch::ExpandingArray<D>>(&options.padding());
  const bool is_same = get_if<torch::enumtype::kSame>(&options.padding()) != nullptr;
  for (std::size_t i = D; i-- > 0;) {
    const std::int64_t total = (*options.dilation())[i] * ((*options.kernel_size())[i] - 1);
    const std::int64_t left = padding ? (**padding)[i] : is_same ? total / 2 : 0;
    numbers.emplace_back(left);
    numbers.emplace_back(is_same ? total - left : left);
  }
  return padding ? Value(Tuple{std::move(numbers)}) : Value(std::move(numbers));
}

template <std::size_t D>
std::vector<Field<Options<D>>> fields(bool transposed) {
  using Of = Options<D>;
  return {field("in_channels", &Of::in_channels),
          field("out_channels", &Of::out_channels),
          field("kernel_size", &Of::kernel_size),
          field("stride", &Of::stride),
          padding<D>(),
          field("dilation", &Of::dilation),
          constant<Of>("transposed", transposed),
          field("output_padding", &Of::output_padding),
          field("groups", &Of::groups),
          layers::choice("padding_mode", &Of::padding_mode,
                         {{"zeros", torch::kZeros},
                          {"reflect", torch::kReflect},
                          {"replicate", torch::kReplicate},
                          {"circular", torch::kCircular}}),
          {"_reversed_padding_repeated_twice", {}, reversed_padding<D>}};
}

const Value* weight_of(const ModuleNode& node) {
  for (const std::string_view name : {"weight", "weight_v", "weight_orig"}) {
    const Value* weight = node.parameter(name);
    if (weight && weight->is_tensor()) return weight;
  }
  return nullptr;
}

// The kernel that a module is made with: as large as that of the file's weight.
template <std::size_t D>
void check_kernel(const ModuleNode& node) {
  const Value* weight = weight_of(node);
  if (!weight) fail(ErrorCode::mismatch, "a {} without a weight", node.class_path);
  torch::ExpandingArray<D> kernel(1);
  if (const Value* value = node.attributes.find("kernel_size")) layers::read(*value, kernel);
  const Shape& shape = weight->as_tensor().shape();
  if (shape.size() != D + 2 || !std::equal(kernel->begin(), kernel->end(), shape.begin() + 2)) {
    fail(ErrorCode::mismatch, "a weight of shape {} (expected a kernel {})", to_string(shape),
         to_string(Shape(kernel->begin(), kernel->end())));
  }
}

// LibTorch derives what it pads with from the options when it makes the parameters.
template <std::size_t D, class Impl>
std::shared_ptr<Impl> make_small(const ModuleNode& node, bool transposed) {
  check_kernel<D>(node);
  const auto module = std::make_shared<Impl>(1, 1, torch::ExpandingArray<D>(1));
  layers::read_fields(fields<D>(transposed), node, module->options);
  const Value* bias = node.parameter("bias");
  module->options.in_channels(1).out_channels(1).groups(1).bias(bias && bias->is_tensor());
  parameters_of(*module).clear();
  module->reset();
  return module;
}

template <std::size_t D, class Impl>
LayerClass convolution(const std::string& name, bool transposed) {
  return layers::layer_class<Impl>(
      "conv." + name,
      [transposed](const ModuleNode& node) { return make_small<D, Impl>(node, transposed); },
      fields<D>(transposed), {.parameters = {{"weight", &Impl::weight}, {"bias", &Impl::bias}}});
}

}  // namespace classes_convolution_detail

std::vector<LayerClass> convolution_classes() {
  namespace detail = classes_convolution_detail;
  namespace nn = torch::nn;
  return {detail::convolution<1, nn::Conv1dImpl>("Conv1d", false),
          detail::convolution<2, nn::Conv2dImpl>("Conv2d", false),
          detail::convolution<3, nn::Conv3dImpl>("Conv3d", false),
          detail::convolution<1, nn::ConvTranspose1dImpl>("ConvTranspose1d", true),
          detail::convolution<2, nn::ConvTranspose2dImpl>("ConvTranspose2d", true),
          detail::convolution<3, nn::ConvTranspose3dImpl>("ConvTranspose3d", true)};
}

}  // namespace torchkeep
