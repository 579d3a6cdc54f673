// A class of Python as a function: its forward in C++, with the attributes that it computes with.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "nn/python_module.h"

namespace torchkeep {

class FunctionModule : public PythonModule {
 public:
  using Function = std::function<at::Tensor(const at::Tensor& x, const FunctionModule& self)>;

  // Without a function it is a container.
  FunctionModule(std::string class_path, Dict attributes, Function function)
      : PythonModule(std::move(class_path), Value(std::move(attributes))),
        function_(std::move(function)) {}

  at::Tensor forward(const at::Tensor& x) const { return function_(x, *this); }

  std::vector<std::string> child_names() const override { return child_names_; }
  void set_child_names(std::vector<std::string> names) { child_names_ = std::move(names); }
  std::vector<std::string> buffer_names() const override { return buffer_names_; }
  void set_buffer_names(std::vector<std::string> names) { buffer_names_ = std::move(names); }

 private:
  Function function_;
  std::vector<std::string> child_names_;
  std::vector<std::string> buffer_names_;
};

}  // namespace torchkeep
