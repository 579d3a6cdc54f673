// From modules of LibTorch to a module tree: the inverse of LayerBuilder.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/module_tree.h>

namespace torch::nn {
class Module;
}

namespace torchkeep {

struct ClassDescription {
  std::string class_path;
  Dict attributes;
  // What Python's class registers, even where it is None.
  std::vector<std::string> parameters = {};
  std::vector<std::string> buffers = {};
  // Children by name that Python has of another class than the C++ class alone tells.
  std::vector<std::pair<std::string, std::string>> child_paths = {};
};
// Describes a module whose class is not one of torch.nn, or throws.
using DescribeOther = std::function<ClassDescription(const torch::nn::Module&)>;

// The tree as Python would have it; its tensors view the modules' memory. Tied parameters and
// shared modules are one in it, too. What `describe_other` throws gets the path of the module.
ModuleTree tree_of(const torch::nn::Module& root, const DescribeOther& describe_other);

}  // namespace torchkeep
