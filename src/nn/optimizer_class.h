// What torchkeep knows about each class of optimizer: the options of a group and the state of a
// parameter, under Python's names and in Python's order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/value.h>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>
#include <torch/optim/optimizer.h>

namespace torchkeep {

// An option of a group. Those that only Python has are written with a constant.
struct OptimizerOption {
  using Options = torch::optim::OptimizerOptions;
  std::string_view key;
  std::function<Value(const Options&)> read;
  std::function<void(Options&, const Value&)> write;  // empty for what only Python has
};

// A tensor in the state of a parameter, of the parameter's shape.
struct OptimizerStateTensor {
  using State = torch::optim::OptimizerParamState;
  std::string_view key;
  std::function<at::Tensor(const State&)> read;  // undefined if there is none
  std::function<void(State&, at::Tensor)> write;
  // Whether a parameter that has state needs this tensor for the next step.
  std::function<bool(const torch::optim::OptimizerOptions&)> is_needed;
};

enum class StepForm { none, integer, float_tensor };

struct OptimizerClass {
  using Options = torch::optim::OptimizerOptions;
  using State = torch::optim::OptimizerParamState;

  std::string_view name;  // Python's, "SGD"
  std::function<bool(const torch::optim::Optimizer&)> is_class_of;
  std::vector<OptimizerOption> options;
  StepForm step_form = StepForm::none;  // as Python keeps the count of steps
  std::function<std::int64_t(const State&)> read_step;
  std::function<void(State&, std::int64_t)> write_step;
  std::vector<OptimizerStateTensor> tensors;
  std::function<std::unique_ptr<State>()> new_state;
  // A copy of a group's options that also keeps what only Python has there.
  std::function<std::unique_ptr<Options>(const Options&, Dict entries)> with_entries;
  // The state of a parameter that has made no step; null where it is made by the first step.
  std::function<std::unique_ptr<State>(const at::Tensor& parameter, const Options&)> initial_state;

  bool has_option(std::string_view key) const;
};

// SGD, Adam, AdamW, RMSprop and Adagrad.
const std::vector<OptimizerClass>& optimizer_classes();

// Throws unsupported for a class that is not among them.
const OptimizerClass& class_of(const torch::optim::Optimizer& optimizer);

}  // namespace torchkeep
