// A module of a class that Python has and LibTorch has not: the class and its attributes as data.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <torchkeep/dict.h>

#include <torch/nn/module.h>

namespace torchkeep {

class PythonModule : public torch::nn::Module {
 public:
  // `attributes` is a dict.
  explicit PythonModule(std::string class_path, const Value& attributes = dict({}))
      : class_path_(std::move(class_path)), attributes_(attributes.as_dict()) {}

  const std::string& class_path() const { return class_path_; }
  const Dict& attributes() const { return attributes_; }

  // The children and buffers that Python registered, with those that are None: LibTorch does not
  // know of them.
  virtual std::vector<std::string> child_names() const { return named_children().keys(); }
  virtual std::vector<std::string> buffer_names() const { return {}; }

 private:
  std::string class_path_;
  Dict attributes_;
};

}  // namespace torchkeep
