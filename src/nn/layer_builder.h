// From a module tree to modules of LibTorch.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <torchkeep/module_tree.h>

#include "nn/layer.h"

namespace torchkeep {

// Builds each module of a tree once; tied parameters become one tensor. The tensors view the memory
// of the tree's.
class LayerBuilder {
 public:
  // Builds a module whose class is not one of torch.nn, or throws.
  using BuildOther = std::function<Layer(LayerBuilder&, std::size_t index)>;

  LayerBuilder(const ModuleTree& tree, BuildOther build_other);

  // All of it, with its training flags. Throws mismatch where attributes and tensors do not make a
  // module, unsupported for what its class can do in Python only, and what `build_other` throws.
  Layer run();

  // For the builders of classes.
  const ModuleNode& node(std::size_t index) const { return tree_.modules[index]; }
  const ModuleTree& tree() const { return tree_; }
  Layer build(std::size_t index);
  // Throws mismatch if there is none.
  Layer child(const ModuleNode& node, std::string_view name);
  std::vector<std::pair<std::string, Layer>> children(const ModuleNode& node);
  // Gives a module the node's parameters and buffers, and nothing else. `members` are the module's
  // own copies of them.
  void set_tensors(torch::nn::Module& module,
                   const ModuleNode& node,
                   std::span<const Layer::Member> members);
  // Says how the training flags in and below a module are set that was not built from its children.
  void set_flags_by(std::size_t index, std::function<void()> set) {
    flag_setters_[index] = std::move(set);
  }

 private:
  Layer build_uncached(std::size_t index);
  at::Tensor parameter(const Value& value);
  void set_flags();

  const ModuleTree& tree_;
  BuildOther build_other_;
  std::vector<std::optional<Layer>> built_;
  std::vector<std::function<void()>> flag_setters_;
  std::unordered_map<const void*, at::Tensor> parameters_;  // by Value::identity()
};

}  // namespace torchkeep
