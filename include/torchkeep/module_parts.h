// What a file knows of a module whose class a user has registered.
#pragma once

#include <cstddef>
#include <string_view>

#include <torchkeep/module_tree.h>

namespace torchkeep {

class LayerBuilder;
class Model;

// Valid while the factory runs.
class ModuleParts {
 public:
  // Of a file that holds a configuration only: there are no children.
  explicit ModuleParts(Value configuration);
  ModuleParts(LayerBuilder& builder, std::size_t index);

  // The instance's attributes, or the configuration: a dict.
  const Value& attributes() const { return attributes_; }
  // The class path, the names and shapes of the parameters, the names of the children; null for a
  // file that holds a configuration only.
  const ModuleNode* node() const { return node_; }
  // A child, built with its parameters. Register its ptr() under that name and call its forward().
  // Throws mismatch if there is none, and not_found if its class is not registered.
  Model child(std::string_view name) const;

 private:
  Value attributes_;
  LayerBuilder* builder_ = nullptr;
  const ModuleNode* node_ = nullptr;
};

}  // namespace torchkeep
