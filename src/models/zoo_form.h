// Which model of the zoo a module tree is.
#pragma once

#include <memory>
#include <optional>

#include <torchkeep/module_tree.h>

#include "models/classifier.h"

namespace torchkeep {

struct ZooForm {
  const Architecture* architecture;
  std::shared_ptr<Classifier> module;  // of that form; its parameters are undefined
};

// The model of the zoo that has the classes, hyper-parameters and shapes of the tree, with some
// number of classes and other options. Nothing if there is none.
std::optional<ZooForm> find_zoo_form(const ModuleTree& tree);

}  // namespace torchkeep
