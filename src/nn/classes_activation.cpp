// torch.nn.modules.activation, but for attention
#include <torch/nn/modules/activation.h>

#include "nn/function_class.h"
#include "nn/layer_field.h"

namespace torchkeep {

namespace classes_activation_detail {

namespace nn = torch::nn;
using layers::constant;
using layers::field;
using layers::layer_class;

// LibTorch's class works on a copy: `in_place` is what Python does with inplace=True.
template <class Impl>
LayerClass maybe_in_place(const std::string& name, FunctionModule::Function in_place) {
  LayerClass result = layers::plain_class<Impl>("activation." + name);
  result.attributes = [](const nn::Module&) {
    Dict attributes;
    attributes.set("inplace", false);
    return attributes;
  };
  result.build = [plain = result.build, in_place](LayerBuilder& builder, std::size_t index) {
    const Value* inplace = builder.node(index).attributes.find("inplace");
    if (!inplace || !inplace->as_bool()) return plain(builder, index);
    return function_layer(builder, index, in_place);
  };
  return result;
}

// What the releases before dimensions had to be named took without one.
std::int64_t implicit_dim(const at::Tensor& x) {
  return x.dim() == 0 || x.dim() == 1 || x.dim() == 3 ? 0 : 1;
}

template <class Impl>
LayerClass softmax(const std::string& name, FunctionModule::Function without_dim) {
  using Of = layers::OptionsOf<Impl>;
  LayerClass result = layer_class<Impl>("activation." + name, Of(1), {field("dim", &Of::dim)});
  result.build = [with_dim = result.build, without_dim](LayerBuilder& builder, std::size_t index) {
    const Value* dim = builder.node(index).attributes.find("dim");
    if (dim && !dim->is_none()) return with_dim(builder, index);
    return function_layer(builder, index, without_dim);
  };
  return result;
}

std::vector<LayerClass> with_a_threshold() {
  using Hardshrink = nn::HardshrinkOptions;
  using Hardtanh = nn::HardtanhOptions;
  using Softplus = nn::SoftplusOptions;
  using Softshrink = nn::SoftshrinkOptions;
  using Threshold = nn::ThresholdOptions;
  using ReLU6 = nn::ReLU6Options;
  return {
      layer_class<nn::HardshrinkImpl>("activation.Hardshrink", Hardshrink(),
                                      {field("lambd", &Hardshrink::lambda)}),
      layer_class<nn::HardtanhImpl>(
          "activation.Hardtanh", Hardtanh(),
          {field("min_val", &Hardtanh::min_val), field("max_val", &Hardtanh::max_val),
           field("inplace", &Hardtanh::inplace)}),
      layer_class<nn::ReLU6Impl>(
          "activation.ReLU6", ReLU6(),
          {layers::only<ReLU6>("min_val", 0.0), layers::only<ReLU6>("max_val", 6.0),
           field("inplace", &ReLU6::inplace)}),
      layer_class<nn::SoftplusImpl>(
          "activation.Softplus", Softplus(),
          {field("beta", &Softplus::beta), field("threshold", &Softplus::threshold)}),
      layer_class<nn::SoftshrinkImpl>("activation.Softshrink", Softshrink(),
                                      {field("lambd", &Softshrink::lambda)}),
      layer_class<nn::ThresholdImpl>(
          "activation.Threshold", Threshold(0, 0),
          {field("threshold", &Threshold::threshold), field("value", &Threshold::value),
           field("inplace", &Threshold::inplace)}),
  };
}

std::vector<LayerClass> with_a_slope() {
  using ELU = nn::ELUOptions;
  using SELU = nn::SELUOptions;
  using CELU = nn::CELUOptions;
  using LeakyReLU = nn::LeakyReLUOptions;
  using ReLU = nn::ReLUOptions;
  using RReLU = nn::RReLUOptions;
  using PReLU = nn::PReLUOptions;
  return {
      layer_class<nn::ELUImpl>("activation.ELU", ELU(),
                               {field("alpha", &ELU::alpha), field("inplace", &ELU::inplace)}),
      layer_class<nn::SELUImpl>("activation.SELU", SELU(), {field("inplace", &SELU::inplace)}),
      layer_class<nn::CELUImpl>("activation.CELU", CELU(),
                                {field("alpha", &CELU::alpha), field("inplace", &CELU::inplace)}),
      layer_class<nn::LeakyReLUImpl>("activation.LeakyReLU", LeakyReLU(),
                                     {field("negative_slope", &LeakyReLU::negative_slope),
                                      field("inplace", &LeakyReLU::inplace)}),
      layer_class<nn::ReLUImpl>("activation.ReLU", ReLU(), {field("inplace", &ReLU::inplace)}),
      layer_class<nn::RReLUImpl>("activation.RReLU", RReLU(),
                                 {field("lower", &RReLU::lower), field("upper", &RReLU::upper),
                                  field("inplace", &RReLU::inplace)}),
      layer_class<nn::PReLUImpl>("activation.PReLU", PReLU(),
                                 {field("num_parameters", &PReLU::num_parameters)},
                                 {.parameters = {{"weight", &nn::PReLUImpl::weight}}}),
  };
}

std::vector<LayerClass> smooth() {
  using GELU = nn::GELUOptions;
  using GLU = nn::GLUOptions;
  return {
      layer_class<nn::GELUImpl>("activation.GELU", GELU(),
                                {field("approximate", &GELU::approximate)}),
      layer_class<nn::GLUImpl>("activation.GLU", GLU(), {field("dim", &GLU::dim)}),
      maybe_in_place<nn::SiLUImpl>("SiLU",
                                   [](const at::Tensor& x, const auto&) {
                                     at::Tensor same = x;
                                     return at::silu_(same);
                                   }),
      maybe_in_place<nn::MishImpl>("Mish",
                                   [](const at::Tensor& x, const auto&) {
                                     at::Tensor same = x;
                                     return at::mish_(same);
                                   }),
      layers::plain_class<nn::LogSigmoidImpl>("activation.LogSigmoid"),
      layers::plain_class<nn::SigmoidImpl>("activation.Sigmoid"),
      layers::plain_class<nn::SoftsignImpl>("activation.Softsign"),
      layers::plain_class<nn::TanhImpl>("activation.Tanh"),
      layers::plain_class<nn::TanhshrinkImpl>("activation.Tanhshrink"),
      layers::plain_class<nn::Softmax2dImpl>("activation.Softmax2d"),
      softmax<nn::SoftmaxImpl>(
          "Softmax", [](const at::Tensor& x, const auto&) { return x.softmax(implicit_dim(x)); }),
      softmax<nn::SoftminImpl>(
          "Softmin",
          [](const at::Tensor& x, const auto&) { return x.neg().softmax(implicit_dim(x)); }),
      softmax<nn::LogSoftmaxImpl>(
          "LogSoftmax",
          [](const at::Tensor& x, const auto&) { return x.log_softmax(implicit_dim(x)); }),
  };
}

}  // namespace classes_activation_detail

std::vector<LayerClass> activation_classes() {
  namespace detail = classes_activation_detail;
  std::vector<LayerClass> all;
  for (const auto& part : {detail::with_a_threshold, detail::with_a_slope, detail::smooth}) {
    for (LayerClass& each : part()) all.push_back(std::move(each));
  }
  return all;
}

}  // namespace torchkeep
