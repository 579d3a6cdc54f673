// A module for a class of Python that LibTorch has none for: its attributes as data, and a
// function.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/dict.h>

#include <torch/nn/module.h>

namespace torchkeep {

class FunctionModule : public torch::nn::Module {
 public:
  using Function = std::function<at::Tensor(const at::Tensor& x, const FunctionModule& self)>;

  // Without a function it is a container.
  FunctionModule(std::string class_path, Dict attributes, Function function)
      : class_path_(std::move(class_path)),
        attributes_(std::move(attributes)),
        function_(std::move(function)) {}

  at::Tensor forward(const at::Tensor& x) const { return function_(x, *this); }

  const std::string& class_path() const { return class_path_; }
  const Dict& attributes() const { return attributes_; }

  // The children and buffers that Python registered, with those that are None: LibTorch does not
  // know of them.
  const std::vector<std::string>& child_names() const { return child_names_; }
  void set_child_names(std::vector<std::string> names) { child_names_ = std::move(names); }
  const std::vector<std::string>& buffer_names() const { return buffer_names_; }
  void set_buffer_names(std::vector<std::string> names) { buffer_names_ = std::move(names); }

 private:
  std::string class_path_;
  Dict attributes_;
  Function function_;
  std::vector<std::string> child_names_;
  std::vector<std::string> buffer_names_;
};

}  // namespace torchkeep
