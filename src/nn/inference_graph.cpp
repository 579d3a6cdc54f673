#include "nn/inference_graph.h"

#include <algorithm>
#include <string_view>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/frozen_ops_to_mkldnn.h>

namespace torchkeep {
namespace inference_graph_detail {

namespace jit = torch::jit;

bool is(const jit::Node& node, std::string_view name) {
  return std::string_view(node.kind().toQualString()) == name;
}

c10::optional<c10::IValue> constant(const jit::Node& node, const char* argument) {
  if (!node.hasNamedInput(argument)) return c10::nullopt;
  return jit::toIValue(node.namedInput(argument));
}

bool is_constant_tensor(const c10::optional<c10::IValue>& value) {
  return value && value->isTensor() && value->toTensor().defined();
}

bool is_absent(const c10::optional<c10::IValue>& value) {
  return value && (value->isNone() || (value->isTensor() && !value->toTensor().defined()));
}

// With constant weights, not transposed, used by one other operation alone.
bool is_foldable_convolution(const jit::Node& node) {
  if (!is(node, "aten::_convolution") && !is(node, "aten::convolution") &&
      !is(node, "aten::conv2d")) {
    return false;
  }
  const auto transposed = constant(node, "transposed");
  if (node.hasNamedInput("transposed") && (!transposed || transposed->toBool())) return false;
  const auto bias = constant(node, "bias");
  return node.output()->uses().size() == 1 && is_constant_tensor(constant(node, "weight")) &&
         (is_constant_tensor(bias) || is_absent(bias));
}

bool is_foldable_norm(const jit::Node& node) {
  if (!is(node, "aten::batch_norm")) return false;
  const auto training = constant(node, "training");
  if (!training || training->toBool()) return false;
  for (const char* argument : {"weight", "bias"}) {
    const auto value = constant(node, argument);
    if (!is_constant_tensor(value) && !is_absent(value)) return false;
  }
  return is_constant_tensor(constant(node, "running_mean")) &&
         is_constant_tensor(constant(node, "running_var")) && constant(node, "eps");
}

at::Tensor as_double(const c10::optional<c10::IValue>& value, const at::Tensor& absent) {
  return is_constant_tensor(value) ? value->toTensor().detach().to(at::kDouble) : absent;
}

void replace_input(jit::Node& node, const char* argument, const at::Tensor& tensor) {
  const jit::WithInsertPoint here(&node);
  jit::Value* value = node.owningGraph()->insertConstant(tensor);
  const auto& arguments = node.schema().arguments();
  for (std::size_t i = 0; i < node.inputs().size(); ++i) {
    if (arguments.at(i).name() == argument) node.replaceInput(i, value);
  }
}

void fold(jit::Node& convolution, jit::Node& norm) {
  const at::Tensor weight = constant(convolution, "weight")->toTensor().detach();
  const at::Tensor mean = as_double(constant(norm, "running_mean"), {});
  const at::Tensor variance = as_double(constant(norm, "running_var"), {});
  const at::Tensor one = at::ones_like(mean);
  const at::Tensor scale = as_double(constant(norm, "weight"), one) /
                           at::sqrt(variance.add(constant(norm, "eps")->toDouble()));
  std::vector<std::int64_t> per_output(static_cast<std::size_t>(weight.dim()), 1);
  per_output[0] = -1;
  const at::Tensor folded = weight.to(at::kDouble) * scale.view(per_output);
  const at::Tensor bias = as_double(constant(convolution, "bias"), at::zeros_like(mean));
  const at::Tensor shifted =
      (bias - mean) * scale + as_double(constant(norm, "bias"), at::zeros_like(mean));
  replace_input(convolution, "weight", folded.to(weight.scalar_type()));
  replace_input(convolution, "bias", shifted.to(weight.scalar_type()));
  norm.output()->replaceAllUsesWith(convolution.output());
}

std::ptrdiff_t count(jit::Graph& graph, std::string_view name) {
  return std::ranges::count_if(graph.nodes(),
                               [name](const jit::Node* node) { return is(*node, name); });
}

}  // namespace inference_graph_detail

std::size_t fold_batch_norms(torch::jit::Graph& graph) {
  namespace detail = inference_graph_detail;
  const at::NoGradGuard no_gradients;
  std::vector<torch::jit::Node*> folded;
  for (torch::jit::Node* node : graph.nodes()) {
    if (!detail::is_foldable_norm(*node)) continue;
    torch::jit::Node* before = node->input(0)->node();
    if (!detail::is_foldable_convolution(*before)) continue;
    detail::fold(*before, *node);
    folded.push_back(node);
  }
  for (torch::jit::Node* norm : folded) norm->destroy();
  return folded.size();
}

bool use_onednn_layout(GraphPointer& graph) {
  namespace detail = inference_graph_detail;
  GraphPointer converted = graph->copy();
  torch::jit::ConvertFrozenOpsToMKLDNN(converted);
  const std::ptrdiff_t entries = detail::count(*converted, "aten::to_mkldnn");
  const auto outputs = static_cast<std::ptrdiff_t>(graph->outputs().size());
  if (entries != 1 || detail::count(*converted, "aten::to_dense") > outputs) return false;
  graph = converted;
  return true;
}

void use_channels_last(torch::jit::Graph& graph, at::ScalarType type) {
  namespace detail = inference_graph_detail;
  const at::NoGradGuard no_gradients;
  std::vector<torch::jit::Node*> constants;
  for (torch::jit::Node* node : graph.nodes()) {
    if (node->kind() == c10::prim::Constant) constants.push_back(node);
  }
  for (torch::jit::Node* node : constants) {
    const auto value = torch::jit::toIValue(node->output());
    if (!detail::is_constant_tensor(value) || !value->toTensor().is_floating_point()) continue;
    const at::Tensor tensor = value->toTensor().detach();
    if (tensor.dim() == 0) continue;
    const auto layout =
        tensor.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
    const torch::jit::WithInsertPoint here(node);
    node->output()->replaceAllUsesWith(graph.insertConstant(tensor.to(type).contiguous(layout)));
  }
  torch::jit::EliminateDeadCode(graph.block());
}

}  // namespace torchkeep
