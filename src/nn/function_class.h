// Classes of torch.nn that LibTorch lacks, as modules that keep their attributes as data.
#pragma once

#include <string>

#include "nn/function_module.h"
#include "nn/layer_builder.h"
#include "nn/layer_class.h"

namespace torchkeep {

// A FunctionModule of the node's class, with its tensors and children. Without a function the
// layer cannot be called.
Layer function_layer(LayerBuilder& builder, std::size_t index, FunctionModule::Function function);

// The class with that path below torch.nn.modules. `make` gives what the forward of a node
// computes.
using MakeFunction = std::function<FunctionModule::Function(const ModuleNode&)>;
LayerClass function_class(const std::string& path, MakeFunction make);

}  // namespace torchkeep
