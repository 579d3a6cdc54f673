#include "nn/split_graph.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include "base/fail.h"

namespace torchkeep {
namespace split_graph_detail {

namespace jit = torch::jit;
namespace prim = c10::prim;

// Parts of the names of operations. Dropout counts as random also where it is switched off, so that
// a model is cut at the same place in training and in evaluation.
constexpr std::array<std::string_view, 11> kRandom = {
    "dropout", "bernoulli", "rand",        "normal",    "multinomial", "uniform",
    "poisson", "rrelu",     "exponential", "geometric", "empty"};
constexpr std::array<std::string_view, 4> kOfWeight = {"conv", "linear", "addmm", "matmul"};

template <std::size_t Count>
bool contains_any(std::string_view name, const std::array<std::string_view, Count>& parts) {
  return std::ranges::any_of(
      parts, [name](std::string_view part) { return name.find(part) != std::string_view::npos; });
}

std::string_view operation(const jit::Node& node) { return node.kind().toUnqualString(); }

bool only_moves_values(const jit::Node& node) {
  return node.kind() == prim::ListConstruct || node.kind() == prim::ListUnpack ||
         node.kind() == prim::TupleConstruct || node.kind() == prim::TupleUnpack;
}

bool uses_batch_statistics(const jit::Node& node) {
  for (const char* flag : {"training", "train", "use_input_stats"}) {
    if (!node.hasNamedInput(flag)) continue;
    const auto value = jit::toIValue(node.namedInput(flag));
    if (!value || !value->isBool() || value->toBool()) return true;
  }
  return false;
}

class Splitter {
 public:
  explicit Splitter(const jit::Graph& graph) : graph_(graph) {}

  SplitGraph split() {
    frozen_.insert(graph_.inputs().front());
    for (const jit::Node* node : graph_.nodes()) classify(*node);
    if (!has_weight_) {
      fail(ErrorCode::unsupported, "no layer before the first trained one is frozen");
    }
    find_boundary();
    SplitGraph result;
    result.frozen = frozen_part(result);
    result.rest = rest();
    result.frozen_operations = frozen_operations_;
    result.operations = operations_;
    return result;
  }

 private:
  void classify(const jit::Node& node) {
    const bool is_constant = node.kind() == prim::Constant ||
                             (node.kind() == prim::ListConstruct && all_in(node, constant_));
    if (is_constant) {
      for (const jit::Value* output : node.outputs()) constant_.insert(output);
      return;
    }
    ++operations_;
    if (!can_be_frozen(node)) {
      rest_nodes_.push_back(&node);
      return;
    }
    ++frozen_operations_;
    has_weight_ = has_weight_ || contains_any(operation(node), kOfWeight);
    for (const jit::Value* output : node.outputs()) frozen_.insert(output);
    frozen_nodes_.push_back(&node);
  }

  static bool all_in(const jit::Node& node, const std::unordered_set<const jit::Value*>& values) {
    return std::ranges::all_of(node.inputs(),
                               [&](const jit::Value* input) { return values.contains(input); });
  }

  bool can_be_frozen(const jit::Node& node) const {
    const bool known = std::ranges::all_of(node.inputs(), [this](const jit::Value* input) {
      return frozen_.contains(input) || constant_.contains(input);
    });
    if (!known || !node.blocks().empty()) return false;
    if (only_moves_values(node)) return true;
    const c10::FunctionSchema* schema = node.maybeSchema();
    if (!schema || node.isNondeterministic() || contains_any(operation(node), kRandom))
      return false;
    return !changes_constants(node, *schema) && !uses_batch_statistics(node);
  }

  bool changes_constants(const jit::Node& node, const c10::FunctionSchema& schema) const {
    for (std::size_t i = 0; i < node.inputs().size(); ++i) {
      const c10::AliasInfo* alias = schema.arguments().at(i).alias_info();
      if (alias && alias->isWrite() && constant_.contains(node.input(i))) return true;
    }
    return false;
  }

  // What the rest needs of the frozen part.
  void find_boundary() {
    const auto add = [this](const jit::Value* value) {
      if (!frozen_.contains(value) || std::ranges::find(boundary_, value) != boundary_.end())
        return;
      if (!value->type()->isSubtypeOf(*c10::TensorType::get())) {
        fail(ErrorCode::unsupported, "the frozen layers give more than tensors");
      }
      boundary_.push_back(value);
    };
    for (const jit::Node* node : rest_nodes_) std::ranges::for_each(node->inputs(), add);
    std::ranges::for_each(graph_.outputs(), add);
  }

  using Copies = std::unordered_map<const jit::Value*, jit::Value*>;

  static void copy_node(const jit::Node& node, jit::Graph& to, Copies& copies) {
    for (const jit::Value* input : node.inputs()) {
      if (!copies.contains(input)) copy_node(*input->node(), to, copies);  // of a constant
    }
    jit::Node* copy = to.appendNode(to.createClone(
        const_cast<jit::Node*>(&node), [&copies](jit::Value* input) { return copies.at(input); }));
    for (std::size_t i = 0; i < node.outputs().size(); ++i) {
      copies[node.outputs()[i]] = copy->outputs()[i];
    }
  }

  static void add_input(const jit::Value& value, jit::Graph& to, Copies& copies) {
    copies[&value] = to.addInput()->setType(value.type());
  }

  GraphPointer frozen_part(SplitGraph& result) const {
    auto graph = std::make_shared<jit::Graph>();
    Copies copies;
    add_input(*graph_.inputs().front(), *graph, copies);
    for (const jit::Node* node : frozen_nodes_) copy_node(*node, *graph, copies);
    for (const jit::Value* value : boundary_) graph->registerOutput(copies.at(value));
    for (const jit::Node* node : graph->nodes()) {
      if (node->kind() != prim::Constant) continue;
      const auto value = jit::toIValue(node->output());
      if (value && value->isTensor() && value->toTensor().defined())
        result.frozen_tensors.push_back(value->toTensor());
    }
    return graph;
  }

  GraphPointer rest() const {
    auto graph = std::make_shared<jit::Graph>();
    Copies copies;
    for (const jit::Value* value : boundary_) add_input(*value, *graph, copies);
    for (const jit::Value* input : graph_.inputs().slice(1)) add_input(*input, *graph, copies);
    for (const jit::Node* node : rest_nodes_) copy_node(*node, *graph, copies);
    for (const jit::Value* value : graph_.outputs()) graph->registerOutput(copies.at(value));
    return graph;
  }

  const jit::Graph& graph_;
  std::unordered_set<const jit::Value*> constant_;
  std::unordered_set<const jit::Value*> frozen_;
  std::vector<const jit::Node*> frozen_nodes_;
  std::vector<const jit::Node*> rest_nodes_;
  std::vector<const jit::Value*> boundary_;
  std::size_t frozen_operations_ = 0;
  std::size_t operations_ = 0;
  bool has_weight_ = false;
};

}  // namespace split_graph_detail

SplitGraph split_graph(const torch::jit::Graph& graph) {
  return split_graph_detail::Splitter(graph).split();
}

}  // namespace torchkeep
