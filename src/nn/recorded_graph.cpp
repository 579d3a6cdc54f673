#include "nn/recorded_graph.h"

#include <atomic>
#include <string>
#include <unordered_map>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

namespace torchkeep {
namespace recorded_graph_detail {

namespace jit = torch::jit;

// LibTorch would print that a value of a tensor decided something.
class SilentTracer {
 public:
  SilentTracer() : before_(jit::tracer::getTracerStateWarnMode().exchange(false)) {}
  ~SilentTracer() { jit::tracer::getTracerStateWarnMode() = before_; }
  SilentTracer(const SilentTracer&) = delete;
  SilentTracer& operator=(const SilentTracer&) = delete;

 private:
  bool before_;
};

bool same_tensor(const at::Tensor& a, const at::Tensor& b) {
  if (a.is_same(b) || !a.defined() || !b.defined()) return a.is_same(b);
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && a.equal(b);
}

bool same_constant(const jit::Value& a, const jit::Value& b) {
  const auto first = jit::toIValue(&a);
  const auto second = jit::toIValue(&b);
  if (!first || !second) return !first && !second;
  if (first->isTensor() && second->isTensor()) {
    return same_tensor(first->toTensor(), second->toTensor());
  }
  return first->tagKind() == second->tagKind() && *first == *second;
}

// Which value of one graph stands for which of the other.
using Places = std::unordered_map<const jit::Value*, std::size_t>;

bool same_places(at::ArrayRef<const jit::Value*> a,
                 at::ArrayRef<const jit::Value*> b,
                 const Places& places) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (places.at(a[i]) != places.at(b[i])) return false;
  }
  return true;
}

void number(at::ArrayRef<const jit::Value*> a, at::ArrayRef<const jit::Value*> b, Places& places) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::size_t place = places.size();
    places.emplace(a[i], place);
    places.emplace(b[i], place);
  }
}

bool same_node(const jit::Node& a, const jit::Node& b, const Places& places) {
  if (a.kind() != b.kind() || a.outputs().size() != b.outputs().size()) return false;
  if (!a.blocks().empty() || !b.blocks().empty()) return false;
  if (!same_places(a.inputs(), b.inputs(), places)) return false;
  return a.kind() != c10::prim::Constant || same_constant(*a.output(), *b.output());
}

}  // namespace recorded_graph_detail

Recording record(const std::function<at::Tensor(const at::Tensor&)>& compute,
                 const at::Tensor& input,
                 const std::vector<at::Tensor>& parameters) {
  namespace jit = torch::jit;
  const at::NoGradGuard no_gradients;
  const recorded_graph_detail::SilentTracer silent;
  jit::Stack inputs{input};
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  auto [state, outputs] = jit::tracer::trace(
      std::move(inputs),
      [&](const jit::Stack& stack) { return jit::Stack{compute(stack.front().toTensor())}; },
      [](const at::Tensor&) { return std::string(); });
  return {state->graph, outputs.front().toTensor()};
}

bool same_operations(const torch::jit::Graph& a, const torch::jit::Graph& b) {
  namespace detail = recorded_graph_detail;
  if (a.inputs().size() != b.inputs().size()) return false;
  detail::Places places;
  detail::number(a.inputs(), b.inputs(), places);
  auto first = a.nodes().begin();
  auto second = b.nodes().begin();
  for (; first != a.nodes().end() && second != b.nodes().end(); ++first, ++second) {
    if (!detail::same_node(**first, **second, places)) return false;
    detail::number((*first)->outputs(), (*second)->outputs(), places);
  }
  return first == a.nodes().end() && second == b.nodes().end() &&
         detail::same_places(a.outputs(), b.outputs(), places);
}

CompiledGraph::CompiledGraph(GraphPointer graph)
    : graph_(std::move(graph)), code_(graph_, "torchkeep") {}

GraphPointer CompiledGraph::copy() const { return graph_->copy(); }

std::vector<at::Tensor> CompiledGraph::run(const std::vector<at::Tensor>& inputs) const {
  torch::jit::Stack stack(inputs.begin(), inputs.end());
  torch::jit::InterpreterState(code_).run(stack);
  std::vector<at::Tensor> outputs;
  for (const c10::IValue& output : stack) outputs.push_back(output.toTensor());
  return outputs;
}

}  // namespace torchkeep
