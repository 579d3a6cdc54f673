// The classes of torch.nn and their twins in C++: one table that serves reading and writing.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>
#include <vector>

#include <torchkeep/module_tree.h>

#include "nn/layer.h"

namespace torchkeep {

class LayerBuilder;

struct LayerClass {
  std::string path;                     // "torch.nn.modules.linear.Linear"
  std::type_index type = typeid(void);  // of the modules that are written under that path
  std::function<Layer(LayerBuilder&, std::size_t index)> build = {};
  // The attributes of a module of that type as Python's class has them, in its order.
  std::function<Dict(const torch::nn::Module&)> attributes = {};
  // What Python's class registers, even where it is None.
  std::vector<std::string> parameters = {};
  std::vector<std::string> buffers = {};
  // Children by name whose class in Python is not the first one of their type.
  std::vector<std::pair<std::string, std::string>> child_paths = {};
};

// Null if there is none.
const LayerClass* find_layer_class(std::string_view path);
const LayerClass* find_layer_class(const torch::nn::Module& module);

// The parts of the table, by subject.
std::vector<LayerClass> activation_classes();
std::vector<LayerClass> attention_classes();
std::vector<LayerClass> container_classes();
std::vector<LayerClass> convolution_classes();
std::vector<LayerClass> function_classes();
std::vector<LayerClass> linear_classes();
std::vector<LayerClass> norm_classes();
std::vector<LayerClass> padding_classes();
std::vector<LayerClass> pooling_classes();
std::vector<LayerClass> recurrent_classes();

}  // namespace torchkeep
