// Classes of torch.nn that LibTorch lacks; criteria, which are kept as data.
#include <array>

#include <ATen/Functions.h>
#include <torch/nn/functional/upsampling.h>
#include <torch/nn/modules/upsampling.h>

#include "nn/function_class.h"
#include "nn/layer_field.h"

namespace torchkeep {

namespace classes_function_detail {

namespace nn = torch::nn;
namespace F = torch::nn::functional;

const Value* present(const ModuleNode& node, std::string_view name) {
  const Value* value = node.attributes.find(name);
  return value && !value->is_none() ? value : nullptr;
}

bool flag(const ModuleNode& node, std::string_view name) {
  const Value* value = present(node, name);
  return value && value->as_bool();
}

// A function of x, and the one that works in place.
MakeFunction in_place_or_not(std::function<at::Tensor(const at::Tensor&)> copying,
                             std::function<at::Tensor&(at::Tensor&)> in_place) {
  return [=](const ModuleNode& node) -> FunctionModule::Function {
    if (!flag(node, "inplace")) {
      return [copying](const at::Tensor& x, const FunctionModule&) { return copying(x); };
    }
    return [in_place](const at::Tensor& x, const FunctionModule&) {
      at::Tensor same = x;
      return in_place(same);
    };
  };
}

FunctionModule::Function channel_shuffle(const ModuleNode& node) {
  const Value* groups = present(node, "groups");
  if (!groups) fail(ErrorCode::mismatch, "a ChannelShuffle without groups");
  return [groups = groups->as_int()](const at::Tensor& x, const FunctionModule&) {
    return at::channel_shuffle(x, groups);
  };
}

FunctionModule::Function dropout_1d(const ModuleNode& node) {
  const Value* p = present(node, "p");
  return [p = p ? p->as_double() : 0.5](const at::Tensor& x, const FunctionModule& self) {
    const bool is_batch = x.dim() == 3;
    const at::Tensor batch = is_batch ? x : x.unsqueeze(0);
    const at::Tensor result = at::feature_dropout(batch, p, self.is_training());
    return is_batch ? result : result.squeeze(0);
  };
}

struct UpsampleMode {
  std::string_view name;
  F::InterpolateFuncOptions::mode_t mode;
};

F::InterpolateFuncOptions::mode_t upsample_mode(const ModuleNode& node) {
  const std::array<UpsampleMode, 7> modes = {{{"nearest", torch::kNearest},
                                              {"linear", torch::kLinear},
                                              {"bilinear", torch::kBilinear},
                                              {"bicubic", torch::kBicubic},
                                              {"trilinear", torch::kTrilinear},
                                              {"area", torch::kArea},
                                              {"nearest-exact", torch::kNearestExact}}};
  const Value* name = present(node, "mode");
  if (!name) return torch::kNearest;
  for (const UpsampleMode& each : modes) {
    if (name->as_string() == each.name) return each.mode;
  }
  fail(ErrorCode::mismatch, "unknown mode '{}'", name->as_string());
}

// One number for all dimensions, or one for each; nothing for None.
template <class T>
std::vector<T> numbers(const ModuleNode& node, std::string_view name, T (Value::*read)() const) {
  std::vector<T> result;
  const Value* value = present(node, name);
  if (!value) return result;
  if (value->is_number()) return {(value->*read)()};
  for (const Value& item : value->items()) result.push_back((item.*read)());
  return result;
}

template <class T>
std::vector<T> for_each_dimension(std::vector<T> numbers, const at::Tensor& x) {
  const auto dimensions = static_cast<std::size_t>(std::max<std::int64_t>(x.dim() - 2, 1));
  if (numbers.size() == 1) numbers.assign(dimensions, numbers.front());
  return numbers;
}

FunctionModule::Function upsample(const ModuleNode& node) {
  const auto size = numbers<std::int64_t>(node, "size", &Value::as_int);
  const auto scale = numbers<double>(node, "scale_factor", &Value::as_double);
  F::InterpolateFuncOptions options;
  options.mode(upsample_mode(node));
  if (const Value* align = present(node, "align_corners")) options.align_corners(align->as_bool());
  if (const Value* recompute = present(node, "recompute_scale_factor")) {
    options.recompute_scale_factor(recompute->as_bool());
  }
  return [=](const at::Tensor& x, const FunctionModule&) {
    F::InterpolateFuncOptions complete = options;
    if (!size.empty()) complete.size(for_each_dimension(size, x));
    if (!scale.empty()) complete.scale_factor(for_each_dimension(scale, x));
    return F::interpolate(x, complete);
  };
}

// Modules of LibTorch's class, which only C++ programs make.
Dict upsample_attributes(const nn::Module& module) {
  const nn::UpsampleOptions& options = dynamic_cast<const nn::UpsampleImpl&>(module).options;
  constexpr std::array<std::string_view, 5> kModes = {"nearest", "linear", "bilinear", "bicubic",
                                                      "trilinear"};
  Dict attributes;
  attributes.set("name", "Upsample");
  attributes.set("size", layers::written(options.size()));
  Value scale;
  if (options.scale_factor()) {
    scale = Tuple{List(options.scale_factor()->begin(), options.scale_factor()->end())};
  }
  attributes.set("scale_factor", scale);
  attributes.set("mode", kModes.at(options.mode().index()));
  attributes.set("align_corners", layers::written(options.align_corners()));
  attributes.set("recompute_scale_factor", Value());
  return attributes;
}

FunctionModule::Function nothing(const ModuleNode&) { return {}; }

}  // namespace classes_function_detail

std::vector<LayerClass> function_classes() {
  namespace detail = classes_function_detail;
  std::vector<LayerClass> classes = {
      function_class(
          "activation.Hardswish",
          detail::in_place_or_not([](const at::Tensor& x) { return at::hardswish(x); },
                                  [](at::Tensor& x) -> at::Tensor& { return at::hardswish_(x); })),
      function_class("activation.Hardsigmoid",
                     detail::in_place_or_not(
                         [](const at::Tensor& x) { return at::hardsigmoid(x); },
                         [](at::Tensor& x) -> at::Tensor& { return at::hardsigmoid_(x); })),
      function_class("channelshuffle.ChannelShuffle", detail::channel_shuffle),
      function_class("dropout.Dropout1d", detail::dropout_1d),
      function_class("upsampling.Upsample", detail::upsample),
      function_class("upsampling.UpsamplingNearest2d", detail::upsample),
      function_class("upsampling.UpsamplingBilinear2d", detail::upsample),
  };
  classes[4].type = typeid(torch::nn::UpsampleImpl);
  classes[4].attributes = detail::upsample_attributes;
  for (const char* criterion : {"L1Loss",
                                "NLLLoss",
                                "NLLLoss2d",
                                "PoissonNLLLoss",
                                "GaussianNLLLoss",
                                "KLDivLoss",
                                "MSELoss",
                                "BCELoss",
                                "BCEWithLogitsLoss",
                                "HingeEmbeddingLoss",
                                "MultiLabelMarginLoss",
                                "SmoothL1Loss",
                                "HuberLoss",
                                "SoftMarginLoss",
                                "CrossEntropyLoss",
                                "MultiLabelSoftMarginLoss",
                                "CosineEmbeddingLoss",
                                "MarginRankingLoss",
                                "MultiMarginLoss",
                                "TripletMarginLoss",
                                "CTCLoss"}) {
    classes.push_back(function_class(std::string("loss.") + criterion, detail::nothing));
  }
  return classes;
}

}  // namespace torchkeep
